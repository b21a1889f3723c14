"""Machines that are disturbed say so and are well again by themselves; a document that does not work is refused, not suffered."""
import json
import time

import pytest

from local_cluster import call

pytestmark = pytest.mark.long
# The longest pause between two looks of a machine, and what a look may take.
ONE_POLL = 60 + 10
PROFILE = "reservedPolicy: none"


def show(cluster, name):
    return json.loads(cluster.muster("node", "show", name, "--cluster", "lab", "-o", "json").stdout)


def subjects(cluster, name):
    return [problem["subject"] for problem in cluster.report(name).get("unwell", [])]


def is_well(cluster, name):
    report = cluster.report(name)
    return report["verdict"] == "converged" and report.get("configuration") == "settled" and not report.get("unwell")


def kubelet_maximum(cluster, name):
    return cluster.run(name, "grep", "^maxPods:", "/etc/kubernetes/kubelet.yaml").stdout.strip()


def await_well(cluster, name, seconds=2 * ONE_POLL):
    began = time.monotonic()
    cluster.wait_for(f"{name} to say that it is well", lambda: is_well(cluster, name), seconds)
    print(f"{name}: says that it is well after {time.monotonic() - began:.0f} s")


def test_a_document_that_kubelet_exits_on(cluster):
    """The first machine that takes it falls back, is Ready again within two minutes, and says why; the next document is taken."""
    cluster.wait_converged(["n1"])
    settled = show(cluster, "n1")["report"]["documentDigest"]
    with cluster.changed_inventory(PROFILE, "extraConfiguration: {topologyManagerPolicy: nonsense}\n    " + PROFILE):
        cluster.wait_for("n1's pending change", lambda: cluster.report("n1")["pending"], ONE_POLL)
        began = time.monotonic()
        cluster.muster("node", "converge", "n1", "--cluster", "lab")
        cluster.wait_for("n1 to fall back", lambda: cluster.report("n1").get("configuration") == "fallen-back", 120)
        cluster.wait_for("n1 to be Ready", lambda: "n1" in cluster.ready_nodes(), 120)
        took = time.monotonic() - began
        print(f"n1: fell back and is Ready {took:.0f} s after the order")
        assert took < 120
        told = show(cluster, "n1")
        report = told["report"]
        assert report["documentDigest"] == settled
        assert report["refusedDocument"]["digest"] == report["fetchedDigest"] == told["digest"] != settled
        assert report["failureClass"] == "kubelet" and report["failure"]["unit"] == "kubelet.service", report
        words = "\n".join(report["failure"]["log"])
        print(cluster.muster("node", "show", "n1", "--cluster", "lab").stdout)
        assert "topologyManagerPolicy" in words or "TopologyManagerPolicy" in words, words
        # It is not tried again, by no poll and no reboot.
        refused = cluster.run("n1", "systemctl", "show", "-P", "InvocationID", "kubelet.service").stdout
        cluster.converge("n1", check=False)
        assert cluster.run("n1", "systemctl", "show", "-P", "InvocationID", "kubelet.service").stdout == refused
    with cluster.changed_inventory(PROFILE, "maxPods: 78\n    " + PROFILE):
        cluster.wait_for("n1 to take the next document", lambda: cluster.report("n1")["pending"]
                         and not cluster.report("n1").get("refusedDocument"), ONE_POLL)
        cluster.muster("node", "converge", "n1", "--cluster", "lab")
        cluster.wait_for("n1's turn", lambda: kubelet_maximum(cluster, "n1") == "maxPods: 78", ONE_POLL)
        await_well(cluster, "n1")
    cluster.wait_for("n1's pending change", lambda: cluster.report("n1")["pending"], ONE_POLL)
    cluster.muster("node", "converge", "n1", "--cluster", "lab")
    cluster.wait_for("n1's turn", lambda: kubelet_maximum(cluster, "n1") == "maxPods: 110", ONE_POLL)
    await_well(cluster, "n1")


def test_kubelet_stands_still_for_a_while(cluster):
    await_well(cluster, "n1")
    cluster.run("n1", "systemctl", "kill", "--signal=STOP", "kubelet.service", "muster-kubelet-monitor.service")
    try:
        cluster.wait_for("n1 to say that it is unwell", lambda: "kubelet" in subjects(cluster, "n1"), 60 + 2 * ONE_POLL)
        report = cluster.report("n1")
        assert (report["verdict"], report["configuration"]) == ("converged", "settled")
        print(cluster.muster("status").stdout)
    finally:
        cluster.run("n1", "systemctl", "kill", "--signal=CONT", "kubelet.service", "muster-kubelet-monitor.service")
    await_well(cluster, "n1")


def test_containerd_killed_five_times(cluster):
    await_well(cluster, "n1")
    for _ in range(5):
        cluster.run("n1", "systemctl", "kill", "--signal=KILL", "containerd.service")
        time.sleep(3)  # what is tried is the repetition
    cluster.wait_for("containerd", lambda: call("machinectl", "show", "n1", check=False) is not None and cluster.run(
        "n1", "systemctl", "is-active", "containerd.service", check=False).stdout.strip() == "active", 60)
    # The restarts are told for five minutes; the machine stays converged.
    cluster.wait_for("n1 Ready", lambda: "n1" in cluster.ready_nodes(), 2 * ONE_POLL)
    assert cluster.report("n1")["configuration"] == "settled"
    await_well(cluster, "n1", 300 + 2 * ONE_POLL)


def test_a_disk_filled_to_the_last_byte(cluster):
    await_well(cluster, "n1")
    # The agent's own folder on a small file system of its own, so that nothing else is full.
    cluster.run("n1", "sh", "-c", "systemctl stop muster-agent && cp -a /var/lib/muster /var/lib/muster.kept && mount -t tmpfs -o size=2m,mode=0700 "
                "tmpfs /var/lib/muster && cp -a /var/lib/muster.kept/. /var/lib/muster/ && systemctl start muster-agent")
    try:
        await_well(cluster, "n1")
        cluster.run("n1", "sh", "-c", "cat /dev/zero > /var/lib/muster/filler; true", check=False)
        cluster.wait_for("n1 to tell of its disk", lambda: "disk" in subjects(cluster, "n1"), 2 * ONE_POLL)
        assert cluster.report("n1")["configuration"] == "settled"
        cluster.run("n1", "rm", "/var/lib/muster/filler")
        await_well(cluster, "n1")
    finally:
        cluster.run("n1", "sh", "-c", "systemctl stop muster-agent; rm -f /var/lib/muster/filler; rm -rf /var/lib/muster.kept; mkdir /var/lib/muster.kept; "
                    "cp -a /var/lib/muster/. /var/lib/muster.kept/; umount /var/lib/muster && cp -a /var/lib/muster.kept/. /var/lib/muster/; "
                    "rm -rf /var/lib/muster.kept; systemctl start muster-agent")
    await_well(cluster, "n1")
