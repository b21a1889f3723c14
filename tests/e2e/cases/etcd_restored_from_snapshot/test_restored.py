"""Every master is lost. The machines that take their names say how to go on from a snapshot; doing what they say,
word by word, brings three masters and the objects of the snapshot back."""
import base64
import re
import tempfile

import pytest

from etcd_members import etcdctl, show_members, voters, wait_for_verdict
from local_cluster import LAB, call

pytestmark = pytest.mark.long

MASTERS = {"m1": ("master", "10.77.0.11"), "m2": ("follower", "10.77.0.12"), "m3": ("follower", "10.77.0.13")}
SNAPSHOT = "/root/etcd.db"


@pytest.fixture(scope="module")
def snapshot(cluster):
    """With one object that was there before it, and one that came after it."""
    cluster.kubectl("create", "configmap", "before-the-snapshot")
    etcdctl(cluster, "m1", "snapshot", "save", SNAPSHOT)
    encoded = cluster.run("m1", "base64", SNAPSHOT).stdout
    cluster.kubectl("create", "configmap", "after-the-snapshot")
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(encoded))
        file.flush()
        yield file.name
    cluster.kubectl("delete", "configmap", "before-the-snapshot", "--ignore-not-found")


def test_all_masters_lost(cluster, snapshot):
    boots = {name: cluster.report(name)["bootId"] for name in MASTERS}
    call(LAB, "down", *MASTERS)
    for name in MASTERS:
        cluster.muster("node", "replace", name, "--cluster", "lab")
    cluster.power_on(MASTERS)

    def told():
        report = cluster.report("m2")
        return report.get("bootId") != boots["m2"] and "--restored-on m2" in report.get("message", "")
    cluster.wait_for("m2 to tell the way", told, 120)
    message = cluster.report("m2")["message"]
    commands, word = re.search(r"on m2: (.*); then `muster (.*)`, and reboot every master", message).groups()
    assert "came back without data at once: nothing is removed" in message

    # Not on the first master: none may start an empty etcd meanwhile.
    cluster.put_file("m2", snapshot, SNAPSHOT)
    print(cluster.run("m2", "sh", "-c", commands.replace("SNAPSHOT", SNAPSHOT)).stderr)
    cluster.muster(*word.split())
    boots = {name: cluster.report(name)["bootId"] for name in MASTERS}
    for name in MASTERS:
        call(LAB, "power", "cycle", name)
    for name in MASTERS:
        wait_for_verdict(cluster, name, boots[name], "converged")

    assert set(voters(cluster)) == set(MASTERS)
    show_members(cluster)
    found = cluster.kubectl("get", "configmaps", "-o", "name").stdout.split()
    assert "configmap/before-the-snapshot" in found and "configmap/after-the-snapshot" not in found
    cluster.wait_for("every machine to be Ready", lambda: {*MASTERS, "n1"} <= cluster.ready_nodes(), 120)


def test_data_of_before_is_given_up(cluster, snapshot):
    """m3 and m1 still have theirs: restored on m1 alone, the others set it aside and join empty."""
    was = voters(cluster)
    boots = {name: cluster.report(name)["bootId"] for name in MASTERS}
    cluster.put_file("m1", snapshot, SNAPSHOT)
    commands = "; ".join([
        "systemctl stop muster-agent kube-apiserver etcd", "mv /var/lib/etcd/member /var/lib/etcd/member.old",
        f"/opt/muster/current/etcd/bin/etcdutl snapshot restore {SNAPSHOT} --data-dir /var/lib/etcd/restored --name m1"
        " --initial-cluster m1=https://10.77.0.11:2380 --initial-advertise-peer-urls https://10.77.0.11:2380"
        " --initial-cluster-token lab-$(date +%s) --bump-revision 1000000000 --mark-compacted",
        "mv /var/lib/etcd/restored/member /var/lib/etcd/member"])
    cluster.run("m1", "sh", "-c", commands)
    # The two that still run are a quorum, and nobody takes that from them by mistake.
    cluster.muster("cluster", "reinitialise", "lab", "--confirm", "--restored-on", "m1", "--force")
    for name in MASTERS:
        call(LAB, "power", "off", name)
    for name in MASTERS:
        call(LAB, "power", "on", name)
    for name in MASTERS:
        wait_for_verdict(cluster, name, boots[name], "converged")
    now = voters(cluster)
    assert set(now) == set(MASTERS)
    assert not {identity for identity, _ in was.values()} & {identity for identity, _ in now.values()}
    for name in ("m2", "m3"):
        assert "member-of-" in cluster.run(name, "ls", "/var/lib/etcd").stdout
    show_members(cluster)
    cluster.wait_for("every machine to be Ready", lambda: {*MASTERS, "n1"} <= cluster.ready_nodes(), 120)
