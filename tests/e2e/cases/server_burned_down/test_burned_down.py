"""The server's machine burns down, its disk with it; restored at another address that was listed. The machines go on, a new
one joins, one that was banned after the backup stays out, and the masters' API never stopped."""
import json
import os
import re
import shutil
import signal
import threading
import time

import pytest

from local_cluster import call

pytestmark = pytest.mark.long

FIRST, SECOND = "10.77.0.1", "10.77.0.9"
MASTERS = {"m1": "10.77.0.11", "m2": "10.77.0.12", "m3": "10.77.0.13"}
EPOCH = 1 << 32


class Watch(threading.Thread):
    """Asks each master's API server all the time."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.asked, self.failures, self.is_over = cluster, 0, [], threading.Event()

    def run(self):
        while not self.is_over.is_set():
            for name, address in MASTERS.items():
                done = self.cluster.kubectl("--server", f"https://{address}:6443", "get", "--raw", "/readyz", "--request-timeout=20s", check=False)
                self.asked += 1
                if done.stdout != "ok":
                    self.failures.append(f"{name}: {done.stderr.strip()}")
            time.sleep(0.3)

    def end(self):
        self.is_over.set()
        self.join(30)


def listen(cluster, advertise, address):
    cluster.server_settings = {"advertise": advertise, **{name: {"listen": f"{address}:{cluster.ports[name]}"} for name in ("boot", "enrol", "node")}}


def status_of(cluster):
    return json.loads(cluster.muster("restore", "status", "-o", "json").stdout)


def generation(cluster, name):
    return cluster.report(name).get("generation", 0)


def test_the_server_burned_down(cluster, tmp_path):
    bridge = re.search(r"dev (\S+)", call("ip", "-4", "route", "get", "10.77.0.11").stdout).group(1)
    call("ip", "address", "replace", f"{SECOND}/32", "dev", bridge)
    # The site lists two addresses, and machines know both.
    cluster.stop_server()
    listen(cluster, [FIRST, SECOND], "0.0.0.0")
    cluster.start_server()
    cluster.add_node("n7", "10.77.0.27")
    cluster.apply()
    cluster.power_on({"n7": ("node", "10.77.0.27")})
    cluster.wait_converged(["m1", "m2", "m3", "n1", "n7"], seconds=180)
    for name in ("m1", "m2", "m3", "n1", "n7"):
        cluster.converge(name)
    key, backup = str(tmp_path / "recovery.key"), str(tmp_path / "muster.backup")
    cluster.muster("backup", "key", "new", "--out", key)
    cluster.muster("backup", backup)
    pin = cluster.site_pin()

    cluster.muster("ban", "n7", "--cluster", "lab")
    for name in MASTERS:
        cluster.converge(name)  # holds the document that refuses n7
    cluster.kubectl("get", "nodes")  # by a kubeconfig from before
    watch = Watch(cluster)
    watch.start()
    cluster.stop_server(signal.SIGKILL)
    shutil.rmtree(os.path.join(cluster.state, "server"))
    began = time.monotonic()

    listen(cluster, [SECOND], SECOND)
    settings = cluster.write_settings()
    out = call(cluster.program("muster-server"), "--settings", settings, "restore", backup, "--pin", pin, "--key", key).stdout
    assert "in epoch 1. Sealed, until you open each: lab." in out
    cluster.start_server()
    cluster.wait_for("the masters to show what they hold",
                     lambda: {row["node"] for row in status_of(cluster)["clusters"][0]["heard"]} >= {"m1", "m2", "m3", "n1"}, 180)
    (row,) = status_of(cluster)["clusters"]
    assert row["banned"] == ["n7"] and row["newerSecrets"] == [] and row["lost"] == [], row
    cluster.muster("restore", "open", "lab")
    print(f"opened {time.monotonic() - began:.1f} s after the fire")
    for name in ("m1", "m2", "m3", "n1"):
        cluster.converge(name)
    cluster.wait_for("generations of the new epoch", lambda: all(generation(cluster, name) > EPOCH for name in ("m1", "m2", "m3", "n1")), 120)
    cluster.wait_converged(["m1", "m2", "m3", "n1"], seconds=180)
    refused = cluster.converge("n7", check=False)
    # What runs on it goes on; the server and the API servers will have none of it.
    assert "machine 'n7': banned" in refused.stderr and "dial tcp 127.0.0.1:1: connect: connection refused" in refused.stderr, refused.stderr

    cluster.import_releases()
    cluster.address = SECOND
    try:
        cluster.add_node("n8", "10.77.0.28")
        cluster.apply()
        cluster.power_on({"n8": ("node", "10.77.0.28")})
        cluster.wait_converged(["n8"], seconds=180)
    finally:
        cluster.address = FIRST
    watch.end()
    print(f"{watch.asked} questions to the masters' API, {len(watch.failures)} failed")
    assert watch.asked > 30 and watch.failures == [], watch.failures[:5]

    # As the other cases expect it.
    cluster.stop_server()
    listen(cluster, [FIRST, SECOND], "0.0.0.0")
    cluster.start_server()
    for name in ("n7", "n8"):
        cluster.remove_node(name)
    for name in ("m1", "m2", "m3", "n1"):
        cluster.converge(name)
