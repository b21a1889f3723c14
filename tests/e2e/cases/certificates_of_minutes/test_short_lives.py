"""Every certificate lives twelve minutes, the least that may be asked for, and an identity four: all are renewed
at half of it, and API, logs and exec answer every second, past the end of every certificate there was at first.

Twelve minutes are what Kubernetes' own clients leave: they look for a new certificate every five minutes, on
connections that the API server and kubelet judge by the certificate they were opened with."""
import threading
import time

import pytest

from short_lives import kept_serials, restart_server, serials

pytestmark = pytest.mark.long

MACHINES = ("m1", "m2", "m3", "n1", "c1")
RUN = 13 * 60


class Probe:
    """Asks every second, in threads of their own, so that a slow answer delays no other question."""

    def __init__(self, cluster, **questions):
        self.failures, self.asked, self.ends = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(cluster, name, words), daemon=True) for name, words in questions.items()]

    def ask(self, cluster, name, words):
        while not self.ends.wait(1):
            began = time.time()
            done = cluster.kubectl("--request-timeout=10s", *words, check=False)
            self.asked += 1
            if done.returncode:
                self.failures.append((time.strftime("%H:%M:%S", time.gmtime(began)), name, done.stderr.strip()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join(30)


def test_nothing_stops(cluster):
    restart_server(cluster, identityLifetimeMinutes=4)
    cluster.add_node("c1", "10.77.0.41")
    with cluster.changed_inventory("podNetwork: routed", "podNetwork: routed\n  certificates: {lifetime: 12m}"):
        cluster.power_on({"c1": ("node", "10.77.0.41")})
        cluster.wait_converged(["c1"], seconds=120)
        cluster.on_each(MACHINES, cluster.converge)
        cluster.run_pod("m2", "on-master")
        cluster.run_pod("n1", "on-node")
        first = cluster.on_each(MACHINES, lambda host: serials(cluster, host))
        questions = {"api": ("get", "--raw", "/readyz"), "nodes": ("get", "nodes")}
        for pod in ("on-master", "on-node"):
            questions[f"logs {pod}"] = ("logs", pod, "--tail=1")
            questions[f"exec {pod}"] = ("exec", pod, "--", "/echo", "get", "http://127.0.0.1:8080/")
        with Probe(cluster, **questions) as probe:
            time.sleep(RUN)
            ready = cluster.ready_nodes()
        last = cluster.on_each(MACHINES, lambda host: serials(cluster, host))
    print(f"asked {probe.asked} times, {len(probe.failures)} failures")
    # The identities of the others live for 72 hours, and the first roles' certificate for its one hour.
    expected = {(host, "identity") for host in MACHINES if host != "c1"} | {(host, "bootstrap-admin") for host in ("m1", "m2", "m3")}
    assert kept_serials(first, last) == expected
    assert set(MACHINES) <= ready
    assert probe.failures == []
    cluster.kubectl("delete", "pod", "on-master", "on-node", "--now")
    restart_server(cluster)
    cluster.remove_node("c1")
    cluster.on_each(MACHINES[:4], cluster.converge)
