"""Machines that are disturbed say so and are well again by themselves; a document that does not work is refused, not suffered.
The two quickest disturbances are in the gate, where the machine is told to look at once. With --long it looks by itself, and
beside every disturbance certificates live for minutes and another node's kubelet flaps (conftest.py). One peer with an absurd
address is in `effects_put_back`."""
import time

import pytest

from short_lives import kept_serials, serials
from well_again import ONE_POLL, await_well, count_lines, count_starts, show, subjects

PROFILE = "reservedPolicy: none"
looks = pytest.mark.parametrize("looks", ["at once", pytest.param("by itself", marks=pytest.mark.long)])


def long(test):
    return pytest.mark.long(pytest.mark.usefixtures("flapping")(test))


def put_back(cluster, what, is_there, looks, seconds=ONE_POLL + 10):
    began = time.monotonic()
    while looks == "at once" and not is_there() and time.monotonic() < began + seconds:
        cluster.converge("n1", check=False)
        time.sleep(1)
    cluster.wait_for(what, is_there, seconds)
    print(f"{what}: back after {time.monotonic() - began:.1f} s")


def written_bytes(cluster):
    """What the agent had the kernel write to the disk."""
    rows = cluster.run("n1", "sh", "-c", "cat /proc/$(systemctl show -P MainPID muster-agent.service)/io").stdout
    return int(dict(row.split(": ") for row in rows.splitlines())["write_bytes"])


@looks
def test_a_route_deleted_each_second(request, cluster, looks):
    if looks == "by itself":
        request.getfixturevalue("flapping")
    cluster.wait_converged(["n1"])
    unit, times = "muster-routes.service", 5 if looks == "at once" else 60
    route = cluster.run("n1", "ip", "-o", "route", "show", "proto", "77").stdout.split()[0]

    def is_there():
        return route in cluster.run("n1", "ip", "-o", "route", "show", "proto", "77").stdout.split()
    starts, lines, written = count_starts(cluster, "n1", unit), count_lines(cluster, "n1"), written_bytes(cluster)
    cluster.run("n1", "sh", "-c", f"for i in $(seq {times}); do ip route del {route} 2>/dev/null; sleep 1; done; ip route del {route} 2>/dev/null; true")
    put_back(cluster, f"route {route}", is_there, looks)
    # One restart of a oneshot for each look, and a look is a poll: at most three in these two minutes, and the one that was ordered.
    starts, lines, written = count_starts(cluster, "n1", unit) - starts, count_lines(cluster, "n1") - lines, written_bytes(cluster) - written
    print(f"deleted {times + 1} times: {starts} starts of {unit}, {lines} lines of the agent, {written} bytes written by it")
    assert 1 <= starts <= 4 and lines <= 40 and written <= 1 << 20
    await_well(cluster, "n1")


@looks
def test_a_node_object_deleted_twice(request, cluster, looks):
    """The second time right when it came back: kubelet is restarted once for each, the second time after its pause of 30 s,
    which doubles with each within two hours: those of the test before count."""
    if looks == "by itself":
        request.getfixturevalue("flapping")
    cluster.wait_converged(["n1"])
    unit = "kubelet.service"
    starts = count_starts(cluster, "n1", unit)

    def is_there():
        return cluster.kubectl("get", "node", "n1", check=False).returncode == 0
    for times, pause in ((1, 0), (2, 30)) if looks == "at once" else ((3, 60), (4, 120)):
        cluster.kubectl("delete", "node", "n1")
        put_back(cluster, f"Node n1, deleted {times} times", is_there, looks, pause + ONE_POLL + 10)
    cluster.wait_for("n1 Ready", lambda: "n1" in cluster.ready_nodes(), 30)
    assert count_starts(cluster, "n1", unit) - starts == 2
    await_well(cluster, "n1")


@long
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


@long
def test_containerd_killed_five_times(cluster):
    await_well(cluster, "n1")
    for _ in range(5):
        cluster.run("n1", "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "containerd.service")
        time.sleep(3)  # what is tried is the repetition
    cluster.wait_for("containerd", lambda: cluster.run("n1", "systemctl", "is-active", "containerd.service", check=False).returncode == 0, 60)
    cluster.wait_for("n1 to tell of its restarts", lambda: "unit containerd.service" in subjects(cluster, "n1"), ONE_POLL)
    cluster.wait_for("n1 Ready", lambda: "n1" in cluster.ready_nodes(), 2 * ONE_POLL)
    assert cluster.report("n1")["configuration"] == "settled"
    # They are told for five minutes.
    await_well(cluster, "n1", 300 + 2 * ONE_POLL)


@long
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


@long
def test_kubelet_flaps_for_ten_minutes(cluster, flapping):
    """Nobody but systemd restarts it, the document is never to blame, and it is told while it lasts."""
    flapping.join()
    told, restarts = flapping.told, flapping.restarts() - flapping.before
    unwell = [report["unwell"] for report in told if report.get("unwell")]
    print(f"c1: killed {flapping.kills} times; {len(told)} looks, {len(unwell)} unwell: {unwell[-1]}")
    # Whoever else stopped or started it stands in the journal.
    assert restarts == flapping.kills, cluster.run("c1", "journalctl", "-b", "--no-pager", "-u", "init.scope", "-u", "muster-agent", "-u", "muster-kubelet-monitor",
                                                   "-u", "muster-runtime-monitor", "UNIT=kubelet.service", "+", "UNIT=containerd.service").stdout
    assert {(report["verdict"], report["configuration"]) for report in told} == {("converged", "settled")}
    assert not any(report.get("refusedDocument") for report in told)
    half = told[len(told) // 2:]
    assert all("unit kubelet.service" in [problem["subject"] for problem in report.get("unwell", [])] for report in half)
    await_well(cluster, "c1", 300 + 2 * ONE_POLL)
    assert "c1" in cluster.ready_nodes()


def kubelet_maximum(cluster, name):
    return cluster.run(name, "grep", "^maxPods:", "/etc/kubernetes/kubelet.yaml").stdout.strip()


@long
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


@long
def test_certificates_were_renewed_all_along(cluster, first_serials):
    hosts = list(first_serials)
    # The identities of the others live for 72 hours, and the first roles' certificate for its one hour.
    expected = {(host, "identity") for host in hosts if host != "c1"} | {(host, "bootstrap-admin") for host in ("m1", "m2", "m3")}

    def kept():
        return kept_serials(first_serials, cluster.on_each(hosts, lambda host: serials(cluster, host)))
    cluster.wait_for("every certificate to be another one", lambda: kept() == expected, 6 * 60 + 2 * ONE_POLL, pause=5)
    for host in hosts:
        # None can be written to the full disk; it is once that is emptied.
        told = [line for line in cluster.journal(host).splitlines() if "No space left on device" not in line]
        assert not [line for line in told if "not renewed" in line or line.startswith("unwell: certificates")], host
        await_well(cluster, host)
