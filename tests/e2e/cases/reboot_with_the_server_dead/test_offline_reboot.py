"""A dead server never stops a reboot: the machine comes back Ready from its signed cache and says so."""
import json
import signal

import pytest

pytestmark = pytest.mark.long


def boot_id_of_report(cluster):
    return json.loads(cluster.muster("node", "show", "n1", "--cluster", "lab", "-o", "json").stdout)["report"]


def test_node_comes_back_ready_and_reports_later(cluster):
    cluster.stop_server(signal.SIGKILL)
    try:
        # The server is gone: readiness is asked of Kubernetes alone.
        run = cluster.run("n1", "cat", "/proc/sys/kernel/random/boot_id").stdout
        assert run
        cluster.run("n1", "true")
        from local_cluster import LAB, call
        call(LAB, "power", "cycle", "n1")
        cluster.wait_for("kubelet on n1", lambda: cluster.run("n1", "systemctl", "is-active", "kubelet.service", check=False).stdout.strip() == "active", 60)
        cluster.wait_for("n1's verdict", lambda: "offline" in cluster.journal("n1"), 60)
        cluster.wait_for("n1 Ready", lambda: "n1" in cluster.ready_nodes(), 60)
    finally:
        cluster.start_server()
    cluster.wait_for("the spooled report", lambda: boot_id_of_report(cluster).get("offline") is True
                     or boot_id_of_report(cluster).get("verdict") == "converged", 120)
