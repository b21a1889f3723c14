"""Masters that change: one gets another address, one is replaced at another address, one becomes a node, one is
reset. No dead voter is left behind, and the rest of the cluster notices nothing."""
import time

import pytest

from etcd_members import etcdctl, show_members, voters, wait_for_verdict
from local_cluster import LAB, call

pytestmark = pytest.mark.long

FOLLOWERS = {"m4": ("follower", "10.77.0.14"), "m5": ("follower", "10.77.0.15")}
MAC = "02:4d:55:00:00:0e"  # of the host that began as m4 at .14
OF_A_MASTER = ("/etc/kubernetes/pki/service-account.key", "/etc/kubernetes/encryption.yaml", "/etc/kubernetes/pki/etcd-peer",
               "/etc/kubernetes/pki/etcd-client", "/etc/kubernetes/kube-scheduler.kubeconfig", "/var/lib/etcd/member",
               "/var/lib/muster/certificates/etcd-server", "/var/lib/muster/etcd-snapshots")


def test_removed_while_it_runs(cluster):
    """Somebody takes a running master out with etcdctl: it joins anew, and keeps its data aside."""
    was = voters(cluster)
    etcdctl(cluster, "m1", "member", "remove", f"{was['m3'][0]:x}")
    cluster.wait_for("m3 to be a voter again", lambda: "m3" in voters(cluster), 400)
    assert voters(cluster)["m3"][0] != was["m3"][0]
    assert "member-of-" in cluster.run("m3", "ls", "/var/lib/etcd").stdout
    began = time.monotonic()
    cluster.wait_for("m3 to be Ready", lambda: "m3" in cluster.ready_nodes(), 120)
    print(f"m3 Ready {time.monotonic() - began:.0f} s after it was a voter again")
    show_members(cluster)


@pytest.fixture(scope="module")
def five(cluster):
    """The shared cluster with two more followers, which are gone afterwards."""
    for name, (role, address) in FOLLOWERS.items():
        cluster.add_node(name, address, role)
    cluster.apply()
    cluster.power_on(FOLLOWERS)
    cluster.wait_converged(FOLLOWERS)
    assert set(voters(cluster)) == {"m1", "m2", "m3", "m4", "m5"}
    yield cluster
    for name in FOLLOWERS:
        cluster.remove_node(name)


def test_another_address(five):
    """The same machine with its data: an update of its member, no other member."""
    was, boot = voters(five), five.report("m4")["bootId"]
    five.add_node("m4", "10.77.0.24", "follower", mac=MAC)
    five.apply()
    five.run("m4", "sed", "-i", "s/10.77.0.14/10.77.0.24/", "/etc/systemd/network/10-lab.network")
    call(LAB, "power", "cycle", "m4")
    wait_for_verdict(five, "m4", boot, "converged")
    now = voters(five)
    assert now["m4"] == (was["m4"][0], "https://10.77.0.24:2380")
    assert {name: now[name] for name in was if name != "m4"} == {name: was[name] for name in was if name != "m4"}


def test_replaced_at_another_address(five):
    was, boot = voters(five), five.report("m4")["bootId"]
    call(LAB, "down", "m4")
    five.add_node("m4", "10.77.0.34", "follower")
    five.apply()
    five.muster("node", "replace", "m4", "--cluster", "lab")
    five.power_on({"m4": ("follower", "10.77.0.34")})
    wait_for_verdict(five, "m4", boot, "converged", 240)
    now = voters(five)
    assert set(now) == set(was)
    assert now["m4"][1] == "https://10.77.0.34:2380" and now["m4"][0] != was["m4"][0]
    show_members(five)


def test_reset_leaves_etcd(five):
    began = time.monotonic()
    done = five.run("m5", "muster-agent", "reset", "--yes", timeout=180)
    # An API server that outlives its etcd is killed after 90 s.
    assert time.monotonic() - began < 85
    assert "could not leave" not in done.stderr
    assert "muster token create --cluster lab --node m5 --role follower" in done.stderr
    assert set(voters(five)) == {"m1", "m2", "m3", "m4"}
    assert five.run("m5", "ls", "-A", "/var/lib/etcd", check=False).returncode != 0


def test_becomes_a_node(five):
    boot = five.report("m4")["bootId"]
    assert five.run("m4", "ls", "-d", *OF_A_MASTER).returncode == 0
    five.add_node("m4", "10.77.0.34", "node")
    five.apply()
    # It runs on as it is until its turn.
    assert set(voters(five)) == {"m1", "m2", "m3", "m4"}
    call(LAB, "power", "cycle", "m4")
    wait_for_verdict(five, "m4", boot, "converged")
    assert set(voters(five)) == {"m1", "m2", "m3"}
    show_members(five)
    left = five.run("m4", "ls", "-d", *OF_A_MASTER, check=False).stdout.split()
    assert not left, left
    for unit in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        assert five.run("m4", "systemctl", "is-active", unit, check=False).stdout.strip() != "active"
    assert "m4" in five.ready_nodes()
    # Off again without its master's keys: its journal of that boot has no second try.
    assert five.journal("m4").count("this machine has left it") == 1
