"""Followers added to a running cluster join etcd as learners; a master whose disk is lost comes back under its
name; masters whose state mount is missing stop, and nothing is removed from etcd; followers that
leave the inventory leave etcd."""
import os

from etcd_members import voters, wait_for_verdict
from local_cluster import LAB, call

FOLLOWERS = {"m4": ("follower", "10.77.0.14"), "m5": ("follower", "10.77.0.15")}
# The members' data lies on a "disk" of its own.
MOUNT = """[Unit]
Description=State of etcd
[Mount]
What=/srv/disk/etcd
Where=/var/lib/etcd
Type=none
Options=bind
DirectoryMode=0700
"""


def add_disk(tree):
    units = os.path.join(tree, "etc/systemd/system")
    os.makedirs(os.path.join(units, "local-fs.target.wants"))
    os.makedirs(os.path.join(tree, "srv/disk/etcd"), mode=0o700)
    with open(os.path.join(units, "var-lib-etcd.mount"), "w", encoding="utf-8") as out:
        out.write(MOUNT)
    os.symlink("../var-lib-etcd.mount", os.path.join(units, "local-fs.target.wants/var-lib-etcd.mount"))


def switch_on(cluster, name):
    role, address = FOLLOWERS[name]
    tree = cluster.machine_tree(name, cluster.token(role))
    add_disk(tree)
    call(LAB, "up", name, "--address", address, "--image", "ready", "--tree", tree)


def members(cluster):
    return {name: identity for name, (identity, _) in voters(cluster).items()}


def test_followers_join_as_learners(cluster):
    before = {host: cluster.run(host, "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "etcd").stdout for host in ("m1", "m2", "m3")}
    for name, (role, address) in FOLLOWERS.items():
        cluster.add_node(name, address, role)
    cluster.apply()
    for name in FOLLOWERS:
        switch_on(cluster, name)
    cluster.wait_converged(FOLLOWERS)
    assert set(members(cluster)) == {"m1", "m2", "m3", "m4", "m5"}
    assert set(FOLLOWERS) <= cluster.ready_nodes()
    for name in FOLLOWERS:
        assert "joining" in cluster.journal(name) or "learner" in cluster.journal(name)
    after = {host: cluster.run(host, "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "etcd").stdout for host in before}
    assert after == before


def test_two_missing_mounts_remove_nothing(cluster):
    was = members(cluster)
    boots = {name: cluster.report(name)["bootId"] for name in FOLLOWERS}
    for name in FOLLOWERS:
        # The mount of a path that is not there any more fails at the next boot.
        cluster.run(name, "sh", "-c", "mv /srv/disk /srv/away && touch /srv/disk")
        call(LAB, "power", "off", name)
    for name in FOLLOWERS:
        call(LAB, "power", "on", name)
    for name in FOLLOWERS:
        report = wait_for_verdict(cluster, name, boots[name], "failed")
        assert report["failureClass"] == "etcd"
        assert (f"etcd on {name} has no data and its state mount is missing: mount the disk and reboot; nothing was removed"
                in report["message"]), report["message"]
    assert members(cluster) == was
    boots = {name: cluster.report(name)["bootId"] for name in FOLLOWERS}
    for name in FOLLOWERS:
        cluster.run(name, "sh", "-c", "rm /srv/disk && mv /srv/away /srv/disk")
        call(LAB, "power", "cycle", name)
    for name in FOLLOWERS:
        wait_for_verdict(cluster, name, boots[name], "converged")
    assert members(cluster) == was


def test_a_lost_disk(cluster):
    """The whole machine is gone with its identity; a new one takes its name."""
    was = members(cluster)
    boot = cluster.report("m5")["bootId"]
    call(LAB, "down", "m5")
    cluster.muster("node", "replace", "m5", "--cluster", "lab")
    switch_on(cluster, "m5")
    wait_for_verdict(cluster, "m5", boot, "converged", 240)
    now = members(cluster)
    assert set(now) == set(was)
    assert {name for name in was if now[name] != was[name]} == {"m5"}
    snapshots = cluster.run("m5", "ls", "/var/lib/muster/etcd-snapshots").stdout.split()
    assert snapshots == [f"before-removal-of-{was['m5']:x}.db"]
    assert "m5" in cluster.ready_nodes()


def leave_inventory(cluster, name):
    os.remove(os.path.join(cluster.inventory, f"{name}.yaml"))
    cluster.apply("--remove")


def has_left(cluster, name):
    return name not in members(cluster) and name not in cluster.kubectl("get", "nodes", "-o", "name").stdout


def test_followers_leave(cluster):
    """A follower that leaves the inventory leaves etcd too, while it runs and after its power was cut, and what it holds
    opens nothing any more."""
    leave_inventory(cluster, "m5")
    cluster.wait_for("m5 to have left", lambda: has_left(cluster, "m5"), 120)
    assert set(members(cluster)) == {"m1", "m2", "m3", "m4"}

    def is_refused(master):
        """Its kubelet is still running and would register again."""
        done = cluster.run("m5", "/opt/muster/current/kubernetes-node/bin/kubectl", "--kubeconfig", "/etc/kubernetes/kubelet.kubeconfig",
                           "--server", f"https://{master}:6443", "--request-timeout=5s", "get", "node", "m5", check=False)
        return done.returncode != 0 and "dial tcp 127.0.0.1:1: connect: connection refused" in done.stderr
    for master in ("10.77.0.11", "10.77.0.12", "10.77.0.13"):
        cluster.wait_for(f"{master} to refuse m5", lambda: is_refused(master), 60)
    call(LAB, "down", "m5")

    call(LAB, "down", "m4")
    leave_inventory(cluster, "m4")
    cluster.wait_for("m4 to have left", lambda: has_left(cluster, "m4"), 120)
    assert set(members(cluster)) == {"m1", "m2", "m3"}
    assert {"m1", "m2", "m3", "n1"} <= cluster.ready_nodes()
