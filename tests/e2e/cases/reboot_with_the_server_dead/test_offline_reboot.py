"""A dead server never stops a reboot, nor does a stranger at its address, nor a file of the cache that the disk lost: the
machine comes back Ready from what it has verified, and says so later."""
import json
import os
import signal

from local_cluster import LAB, LocalCluster, call


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


def test_a_stranger_at_the_servers_address_has_no_say(cluster, tmp_path):
    cluster.wait_converged(["n1"])
    routes = cluster.run("n1", "ip", "-o", "route", "show", "proto", "77").stdout.split("\n")[:-1]
    assert routes
    stranger = LocalCluster(os.path.join(tmp_path, "stranger"))
    cluster.stop_server()
    try:
        stranger.start_server()
        # One of each pair is lost: peers and document from the cache, the trust list's copy.
        cluster.run("n1", "sh", "-c", "cd /var/lib/muster && rm cache/peers.json cache/document.json copies/trust.json")
        call(LAB, "power", "cycle", "n1")
        cluster.wait_for("n1's verdict", lambda: "converged" in cluster.journal("n1").splitlines(), 60)
        cluster.wait_for("n1 to be Ready", lambda: "n1" in cluster.ready_nodes(), 30)
        assert cluster.run("n1", "ip", "-o", "route", "show", "proto", "77").stdout.split("\n")[:-1] == routes
        status = json.loads(cluster.run("n1", "muster-agent", "status", "-o", "json").stdout)
        told = {problem["subject"]: problem["message"] for problem in status["report"]["unwell"]}
        assert told["server"].startswith("trust list: expected one signed by the pinned site key "), told
        # Nor in what a running machine puts back.
        cluster.run("n1", "sh", "-c", "ip route flush proto 77")
        cluster.converge("n1")
        assert cluster.run("n1", "ip", "-o", "route", "show", "proto", "77").stdout.split("\n")[:-1] == routes
    finally:
        stranger.stop_server()
        cluster.start_server()
    cluster.converge("n1")
    report = cluster.report("n1")
    assert (report["verdict"], report["offline"]) == ("converged", False)
    assert "server" not in {problem["subject"] for problem in report.get("unwell", [])}
