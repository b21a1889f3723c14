"""The real agent as a service, without systemd: what it tells the service manager while it can do nothing."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci")), "agent", "muster-agent")
# Nothing listens there.
SETTINGS = json.dumps({"sitePin": "sha256:" + "a" * 64, "enrolServers": ["https://127.0.0.1:9"]})
ENTER = """
mount -t tmpfs tmpfs "$0/disk"
for folder in etc var/lib run; do
  mkdir -p "$0/disk/$folder" "$0/disk/work/$folder"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$0/disk/$folder,workdir=$0/disk/work/$folder" "/$folder"
done
rm -rf /etc/muster /var/lib/muster
mkdir -p /etc/muster
exec "$@"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


class Machine:
    """A mount namespace with agents in it, and what they tell their service manager."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="muster-agent-state-")
        os.mkdir(os.path.join(self.folder, "disk"))
        self.told = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(self.folder, "notify"))
        self.socket.settimeout(0.5)
        self.started = []
        self.keeper = self.start(["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, self.folder, "sleep", "600"])
        deadline = time.monotonic() + 10
        while "sleep" not in self.command(self.keeper.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @staticmethod
    def command(pid):
        with open(f"/proc/{pid}/comm", encoding="ascii") as stream:
            return stream.read()

    def start(self, words, **environment):
        process = subprocess.Popen(words, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def enter(self, words, **environment):
        return self.start(["nsenter", f"--mount=/proc/{self.keeper.pid}/ns/mnt", *words], **environment)

    def shell(self, text):
        process = self.enter(["sh", "-ec", text])
        assert process.wait(10) == 0, process.stderr.read()

    def daemon(self):
        return self.enter([AGENT, "daemon"], NOTIFY_SOCKET=os.path.join(self.folder, "notify"))

    def await_told(self, words, seconds):
        """What is told until a line has these words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.told += self.socket.recv(65536).decode().split("\n")
            except TimeoutError:
                continue
            for line in self.told:
                if words in line:
                    return line
        raise AssertionError(f"expected {words!r}, was told {self.told}")

    def close(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stderr.close()
        self.socket.close()
        shutil.rmtree(self.folder)


@pytest.fixture
def machine():
    machine = Machine()
    yield machine
    machine.close()


@pytest.mark.waits
@pytest.mark.parametrize("damage", [
    "true", pytest.param("touch /etc/muster/agent.json", marks=pytest.mark.long), "echo '{' > /etc/muster/agent.json",
    pytest.param("mkdir /etc/muster/agent.json", marks=pytest.mark.long)])
def test_without_settings_it_waits_and_says_for_what(machine, damage):
    machine.shell(damage)
    daemon = machine.daemon()
    line = machine.await_told("STATUS=waits for settings, and looks again every 10 s; correct /etc/muster/agent.json: ", 20)
    assert "READY=1" in machine.told or machine.await_told("READY=1", 5), line
    assert daemon.poll() is None
    machine.told.clear()
    machine.shell(f"rm -rf /etc/muster/agent.json; printf %s '{SETTINGS}' > /etc/muster/agent.json")
    machine.await_told("STATUS=trust: first contact", 40)
    assert daemon.poll() is None


@pytest.mark.waits
def test_a_suspended_run_is_told_and_holds_up_nothing_but_its_lock(machine):
    machine.shell(f"printf %s '{SETTINGS}' > /etc/muster/agent.json")
    person = machine.enter([AGENT, "converge"])
    for line in person.stderr:
        if line.startswith("trust: first contact"):
            break
    os.kill(person.pid, signal.SIGSTOP)
    daemon = machine.daemon()
    line = machine.await_told("STATUS=another run of muster-agent does not end: ", 60)
    assert f"process {person.pid} ({AGENT} converge), which runs since " in line
    assert line.endswith(f" and is suspended; let it go on: kill -CONT {person.pid}, or end it: kill -KILL {person.pid}")
    assert "READY=1" in machine.told or machine.await_told("READY=1", 5)
    assert any(told == "WATCHDOG=1" for told in machine.told)
    machine.told.clear()
    person.kill()
    machine.await_told("STATUS=trust: first contact", 60)
    assert daemon.poll() is None
