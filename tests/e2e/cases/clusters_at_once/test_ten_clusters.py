"""Ten clusters at once come, are seen coming, and go."""
import json
import os
import subprocess
import threading
import time

import pytest
from local_cluster import LAB, call
from on_demand import Kubectl, are_converged, set_template, switch_on

pytestmark = pytest.mark.long

CLUSTERS = [f"c{number}" for number in range(10)]
MACHINES = {f"h{number}": f"10.77.0.{140 + number}" for number in range(20)}  # h0 and h10 are c0's master and node


@pytest.fixture(scope="module")
def ordered(rack, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("ten"))
    set_template(rack, "routed")
    yield folder
    for cluster in CLUSTERS:
        rack.muster("cluster", "delete", cluster, check=False)
    call(LAB, "down", *MACHINES)


class Watch(threading.Thread):
    """`muster status --watch`, as somebody at a terminal sees it."""

    def __init__(self, rack):
        super().__init__(daemon=True)
        program = [rack.program("muster"), "--server", f"unix:{rack.socket}", "status", "--watch"]
        self.process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        self.seen = []

    def run(self):
        self.seen.extend(self.process.stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.join()
        return "".join(self.seen)


def test_ten_clusters_come_at_once(rack, ordered):
    began = time.monotonic()
    rack.on_each(CLUSTERS, lambda cluster: rack.muster(
        "cluster", "create", cluster, "--template", "routed", "--nodes", "1", "--ttl", "1h", "--user-data-dir", os.path.join(ordered, cluster)))
    created = time.monotonic() - began
    machines = {}
    for host, (name, address) in enumerate(MACHINES.items()):
        cluster = CLUSTERS[host % 10]
        file = f"{cluster}-master-1.yaml" if host < 10 else f"{cluster}-nodes.yaml"
        machines[name] = (address, os.path.join(ordered, cluster, file))
    watch = Watch(rack)
    watch.start()
    began = switch_on(rack, machines)
    rack.wait_for("ten clusters to be converged", lambda: all(are_converged(rack, cluster, 2) for cluster in CLUSTERS), 600)
    seconds = time.monotonic() - began
    seen = watch.stop()
    print(f"ten clusters: created in {created:.2f} s, twenty machines Ready {seconds:.1f} s after power-on")
    for cluster in CLUSTERS:
        kubectl = Kubectl(rack, cluster, ordered)
        rack.wait_for(f"{cluster}'s two Ready nodes", lambda kubectl=kubectl: kubectl.ready_nodes() == {"m-1", "w-1"}, 60)
        assert f"{cluster} " in seen, seen[-2000:]


def test_and_go(rack, ordered):
    rack.on_each(CLUSTERS, lambda cluster: rack.muster("cluster", "delete", cluster))
    left = {cluster["name"] for cluster in json.loads(rack.muster("cluster", "list", "-o", "json").stdout)["clusters"]}
    assert not left & set(CLUSTERS)
    # Each machine hears of it at its next question, and switches itself off.
    began = time.monotonic()
    rack.wait_for("twenty machines to be off", lambda: {host["power"] for host in rack.hosts() if host["name"] in MACHINES} == {"off"}, 400)
    print(f"twenty machines off {time.monotonic() - began:.1f} s after the end")
