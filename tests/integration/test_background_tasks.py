"""What a server does by itself, and its watchdog: a full disk fails what writes, and ends nothing."""
import json
import os
import socket
import time

import pytest

from local_cluster import LocalCluster
from metadata_machine import Machine
from own_disk import started_on
from small_releases import import_small_releases

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: lab, role: master, address: 10.77.0.11, match: {mac: ["02:4d:55:00:00:0b"]}}
"""


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19580, "enrol": 19843, "node": 19844, "metrics": 19590})
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify = os.path.join(state, "notify")

    def start_server(self):
        if not os.path.exists(self.notify):
            self.heard.bind(self.notify)
        os.environ["NOTIFY_SOCKET"] = self.notify
        try:
            super().start_server()
        finally:
            del os.environ["NOTIFY_SOCKET"]

    def watchdogs(self, seconds):
        """How often the watchdog was fed from now on."""
        count, end = 0, time.monotonic() + seconds
        self.heard.setblocking(False)
        try:
            while True:
                self.heard.recv(4096)
        except BlockingIOError:
            pass
        while (left := end - time.monotonic()) > 0:
            self.heard.settimeout(left)
            try:
                count += b"WATCHDOG=1" in self.heard.recv(4096)
            except TimeoutError:
                break
        return count

    def json(self, *arguments):
        return json.loads(self.muster(*arguments, "-o", "json").stdout)

    def task(self, name):
        return [task for task in self.json("status")["backgroundTasks"] if task["name"] == name][0]

    def served(self):
        return [row["detail"] for row in self.json("audit", "--limit", "10000")["rows"] if row["action"] == "document-served"]


@pytest.fixture
def site(tmp_path):
    with started_on(Site(str(tmp_path)), "-t", "tmpfs", "-o", "size=24m,mode=0700", "none") as site:
        yield site


def test_a_full_disk_and_a_machine_that_fetches(site):
    import_small_releases(site)
    inventory = os.path.join(site.state, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "lab.yaml"), "w", encoding="ascii") as out:
        out.write(INVENTORY)
    site.muster("apply", inventory)
    machine = Machine(os.path.join(site.state, "machines"), "m1", "127.0.0.1", (site.ports["enrol"], site.ports["node"]))
    assert machine.enrol(site.token("master"), "02:4d:55:00:00:0b")[0] == 200
    site.stop_server()  # its log of writes is taken up, and starts anew
    site.start_server()
    pid = site.server_pid()
    site.wait_for("the first writes of a start", lambda: site.task("clock")["runs"] > 1, 10)
    filler = os.path.join(site.state, "server", "filler")
    with open(filler, "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            pass
    assert machine.ask("GET", "/v1/document")[0] == 200
    site.wait_for("the writing to fail", lambda: site.task("served-documents")["failuresInRow"] > 0, 10)
    assert site.watchdogs(5) >= 3
    told = site.task("served-documents")
    assert "full" in told["lastError"] and told["lastErrorAt"] > 0, told
    assert "background task served-documents: failed" in site.muster("status").stdout
    # Only what has to write fails (the mark, where its turn came meanwhile), nothing ends, and machines are served.
    failing = {task["name"] for task in site.json("status")["backgroundTasks"] if task["failuresInRow"]}
    assert failing - {"store-mark"} == {"served-documents"}
    assert machine.ask("GET", "/v1/document")[0] == 200
    assert site.server_pid() == pid
    os.unlink(filler)
    site.wait_for("the row", lambda: len(site.served()) == 1, 15)
    site.wait_for("the tasks to be well", lambda: not any(task["failuresInRow"] for task in site.json("status")["backgroundTasks"]), 10)
    assert len(site.served()) == 1
