"""A dead server never stops a reboot: the machine comes back Ready from its signed cache and says so later."""
import signal

from local_cluster import LAB, call


def test_node_comes_back_ready_and_reports_later(cluster):
    cluster.stop_server(signal.SIGKILL)
    try:
        call(LAB, "power", "cycle", "n1")
        boot = cluster.boot_id("n1")
        cluster.wait_for("n1's verdict", lambda: "converged" in cluster.journal("n1").splitlines(), 60)
        kubelet = cluster.run("n1", "systemctl", "show", "-P", "ActiveState", "kubelet.service").stdout.strip()
        assert kubelet == "active"
        assert "n1" in cluster.ready_nodes()
        spooled = cluster.run("n1", "sh", "-c", "cat /var/lib/muster/spool/*.json").stdout
        assert '"offline":true' in spooled and boot in spooled
    finally:
        cluster.start_server()
    # The daemon's next poll is up to a minute away; a converge by hand sends what was spooled first.
    cluster.converge("n1")
    report = cluster.report("n1")
    assert (report["bootId"], report["verdict"], report["offline"]) == (boot, "converged", False)
    left = cluster.run("n1", "sh", "-c", "ls /var/lib/muster/spool 2>/dev/null || true").stdout
    assert left.split() == []
    timeline = cluster.muster("node", "timeline", "n1", "--cluster", "lab").stdout
    assert "node-ready" in timeline
