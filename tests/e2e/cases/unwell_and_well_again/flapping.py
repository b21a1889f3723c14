"""A kubelet that flaps each 50 s for ten minutes: it stands still for 45 s, is killed then as a watchdog would, and goes on for
5 s once systemd has started it anew."""
import threading
import time

from well_again import show

RUN, STANDS_STILL, GOES_ON = 600, 45, 5
UNIT = "kubelet.service"


class FlappingKubelet:
    """In a thread of its own, beside what else is tried; what the machine told meanwhile is in `told`."""

    def __init__(self, cluster, host):
        self.cluster, self.host = cluster, host
        self.kills, self.told, self.went_wrong = 0, [], None
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        end = time.monotonic() + RUN
        try:
            while time.monotonic() < end and not self.ends.is_set():
                self.signal("STOP")
                self.listen(STANDS_STILL)
                self.signal("KILL")
                self.kills += 1
                self.listen(GOES_ON)
        except Exception as wrong:  # told by `join`, in the test's own thread
            self.went_wrong = wrong

    def signal(self, name):
        self.cluster.run(self.host, "systemctl", "kill", f"--signal={name}", UNIT)

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.ends.wait(2):
            report = show(self.cluster, self.host)["report"]
            if report["verdict"] != "converging":
                self.told.append(report)

    def restarts(self):
        """By systemd alone: a restart that anybody asks for begins the count anew."""
        return int(self.cluster.run(self.host, "systemctl", "show", "-P", "NRestarts", UNIT).stdout)

    def join(self):
        self.thread.join(RUN + 120)
        if self.went_wrong:
            raise self.went_wrong
        assert not self.thread.is_alive()

    def __enter__(self):
        self.before = self.restarts()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join(120)
