"""etcd runs under a user of its own, and a member that ran as root is taken over where it runs, at its turn."""
import os

import pytest

from local_cluster import REPOSITORY

UNIT = "/etc/systemd/system/etcd.service"
OWNERS = "find -L /var/lib/etcd /etc/kubernetes/pki/etcd-server/tls.key /etc/kubernetes/pki/etcd-peer/tls.key -printf '%U\\n' | sort | uniq"


def shell(cluster, host, command):
    return cluster.run(host, "sh", "-c", command).stdout.strip()


def users(cluster, host):
    """Of the process, and of all of its data and keys."""
    return shell(cluster, host, "stat -c %U /proc/$(pidof etcd)"), shell(cluster, host, OWNERS)


def test_etcd_is_nobody_elses(cluster):
    for host in ("m1", "m2", "m3"):
        user = shell(cluster, host, "id -u etcd")
        assert users(cluster, host) == ("etcd", user) and user != "0"
        # It reaches its own two certificates, and no other secret.
        for path, status in (("etcd-server/tls.key", 0), ("etcd-peer/tls.key", 0), ("etcd-client/tls.key", 1), ("service-account.key", 1)):
            done = cluster.run(host, "runuser", "-u", "etcd", "--", "cat", f"/etc/kubernetes/pki/{path}", check=False)
            assert (done.returncode != 0) == status, (host, path)
        assert cluster.run(host, "runuser", "-u", "etcd", "--", "ls", "/var/lib/muster", check=False).returncode != 0
        readable = "find /var/lib/muster -mindepth 1 -maxdepth 1 -perm /077 ! -type l ! -name certificates"
        assert shell(cluster, host, readable) == ""


@pytest.mark.long
def test_a_member_that_runs_as_root_is_taken_over_at_its_turn(cluster):
    # As an agent from before left it.
    with open(os.path.join(REPOSITORY, "units", "etcd.service"), encoding="utf-8") as stream:
        before = "".join(line for line in stream if not line.startswith(("User=", "ExecStartPre=")))
    cluster.run("m3", "systemctl", "stop", "muster-agent")
    cluster.run("m3", "sh", "-c", f"cat >{UNIT} <<'E'\n{before}E\nchmod 0700 /var/lib/muster; systemctl daemon-reload; systemctl stop etcd; "
                "chown -R root:root /var/lib/etcd; chown root:root $(realpath /etc/kubernetes/pki/etcd-*/tls.key); userdel etcd; systemctl start etcd")
    assert users(cluster, "m3") == ("root", "0")
    pid = shell(cluster, "m3", "pidof etcd")
    cluster.run("m3", "systemctl", "start", "muster-agent")
    cluster.wait_for("what waits", lambda: cluster.report("m3")["pending"], 90)
    assert shell(cluster, "m3", "pidof etcd") == pid
    assert "User=etcd\n" in cluster.run("m3", "cat", UNIT).stdout
    # What crashes now comes up as it is to be.
    cluster.run("m3", "systemctl", "kill", "--signal=KILL", "etcd")
    cluster.wait_for("etcd as its user", lambda: shell(cluster, "m3", "stat -c %U /proc/$(pidof etcd) 2>/dev/null; true") == "etcd", 30)
    cluster.muster("node", "converge", "m3", "--cluster", "lab")
    cluster.wait_for("its turn", lambda: cluster.report("m3")["verdict"] == "converged" and not cluster.report("m3")["pending"], 120)
    assert users(cluster, "m3") == ("etcd", shell(cluster, "m3", "id -u etcd"))
    health = shell(cluster, "m3", "/opt/muster/current/etcd/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd-client/ca.crt "
                   "--cert=/etc/kubernetes/pki/etcd-client/tls.crt --key=/etc/kubernetes/pki/etcd-client/tls.key endpoint health --cluster")
    assert health.count("is healthy") == 3, health
