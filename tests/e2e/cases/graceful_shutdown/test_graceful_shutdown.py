"""A machine that is switched off as a person does it ends its pods first, and says so to the cluster."""
import json

import pytest

from local_cluster import LAB, call


@pytest.mark.long
def test_pods_end_before_the_machine(cluster):
    cluster.run_pod("n1")
    try:
        held_back = cluster.run("n1", "systemd-inhibit", "--list", "--no-pager").stdout
        assert "Kubelet needs time to handle node shutdown" in held_back, held_back
        call(LAB, "power", "off", "n1")
        status = json.loads(cluster.kubectl("get", "pod", "walker", "-o", "json").stdout)["status"]
        assert (status["phase"], status["reason"]) in {("Failed", "Terminated"), ("Succeeded", "Terminated")}, status
        assert "node shutdown" in status["message"], status
        call(LAB, "power", "on", "n1")
        boot = cluster.boot_id("n1")
        cluster.wait_for("n1's report of its new boot", lambda: cluster.report("n1")["bootId"] == boot
                         and cluster.report("n1")["verdict"] == "converged", 60)
        assert "n1" in cluster.ready_nodes()
    finally:
        cluster.kubectl("delete", "pod", "walker", "--ignore-not-found", "--wait=false")
