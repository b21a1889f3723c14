"""A kubelet setting changed on running machines is pending everywhere and applied on the one that reboots."""
import json

from local_cluster import LAB, call

import pytest

pytestmark = pytest.mark.long



def capacity(cluster, node):
    return json.loads(cluster.kubectl("get", "node", node, "-o", "json").stdout)["status"]["capacity"]["pods"]


def test_pending_then_applied(cluster):
    path = cluster.inventory + "/cluster.yaml"
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace("reservedPolicy: none", "maxPods: 77\n    reservedPolicy: none"))
    cluster.apply()
    for host in ("m1", "n1"):
        cluster.converge(host)
    shown = json.loads(cluster.muster("node", "show", "n1", "--cluster", "lab", "-o", "json").stdout)["report"]
    assert any("kubelet" in row for row in shown["pending"]), shown["pending"]
    assert capacity(cluster, "n1") == "110"
    call(LAB, "power", "cycle", "n1")
    cluster.wait_for("n1's new capacity", lambda: capacity(cluster, "n1") == "77", 90)
    cluster.wait_converged(["n1"], seconds=60)
    assert capacity(cluster, "m1") == "110"
