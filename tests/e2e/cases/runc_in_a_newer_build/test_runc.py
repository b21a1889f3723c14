"""runc published in a newer build, and a setting of etcd with it: nothing changes on running machines before each one's turn, as `diff`
said, and three masters that are ordered at once, from the server or each from itself, take theirs one after the other."""
import json
import os
import re
import shutil
import subprocess

import pytest

from local_cluster import CACHE, LAB, REPOSITORY, call

pytestmark = pytest.mark.long

MASTERS = ("m1", "m2", "m3")
MACHINES = (*MASTERS, "n1")
UNITS = ("containerd.service", "etcd.service", "kubelet.service", "kube-proxy.service")
SETTING = ("componentArguments: {", "componentArguments: {etcd: {max-txn-ops: '256'}, ")


def state(cluster, host):
    """What runs, and of which releases: links, processes, packages."""
    links = cluster.run(host, "sh", "-c", "cd /opt/muster/current && for l in *; do echo $l $(readlink $l); done").stdout
    processes = [cluster.run(host, "systemctl", "show", "-P", "MainPID", unit).stdout.strip() for unit in UNITS]
    return links, processes, cluster.run(host, "sha256sum", "/opt/muster/current/runc/bin/runc").stdout.split()[0]


def newer_build(cluster, folder):
    """The newest runc under its next version; (old, new)."""
    versions = os.path.join(CACHE, "releases", "runc")
    old = sorted(os.listdir(versions))[-1]
    new = old + "-1"
    shutil.copytree(os.path.join(versions, old), folder)
    os.remove(os.path.join(folder, "release.json"))
    with open(os.path.join(folder, "bin", "runc"), "ab") as out:
        out.write(b"\0")  # the linker's end: it runs all the same
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "runc", new, folder], check=True)
    cluster.muster("release", "import", folder)
    return old, new


def downtimes(cluster, host, since):
    """(from, to) in microseconds of each time that etcd was down."""
    rows = cluster.run(host, "journalctl", "-u", "etcd.service", "_PID=1", "-o", "json", "--since", f"@{since}", "--no-pager").stdout
    down, began = [], None
    for row in map(json.loads, rows.splitlines()):
        if row["MESSAGE"].startswith("Stopping"):
            began = int(row["__REALTIME_TIMESTAMP"])
        elif row["MESSAGE"].startswith("Started") and began:
            down.append((began, int(row["__REALTIME_TIMESTAMP"])))
            began = None
    assert began is None, rows
    return down


def order_at_the_server(cluster):
    cluster.muster("node", "converge", *MASTERS, "--cluster", "lab")


def order_on_each_machine(cluster):
    """All at once: one has its turn at once, the others are told whom they wait for, and go on by themselves."""
    done = cluster.on_each(MASTERS, lambda host: cluster.converge(host, "--now", check=False))
    waiting = {host: one.stderr.splitlines()[-1] for host, one in done.items() if one.returncode == 5}
    assert waiting and all(one.returncode in (0, 5) for one in done.values()), done
    for host, line in waiting.items():
        # Whose turn is over is waited for until what it started is seen to run.
        whom = r"m[123] (has the turn|\(converging\): of etcd's 3 members 1 others are up, a quorum is 2)"
        assert re.match(f"muster-agent: this master waits for its turn: {whom}; it takes it by itself when it comes ", line), (host, line)


def converge_all_masters(cluster, order):
    """Ordered at once; each one's downtimes of etcd, none beside another's."""
    since = cluster.run("m1", "date", "+%s").stdout.strip()
    order(cluster)
    cluster.wait_for("every master's turn", lambda: all(cluster.report(host)["verdict"] == "converged" for host in MASTERS), 240)
    shown = cluster.muster("node", "list", "--cluster", "lab", "-o", "json").stdout
    assert [row["node"] for row in json.loads(shown)["nodes"] if row["turn"]] == []
    down = {host: downtimes(cluster, host, since) for host in MASTERS}
    for host, times in down.items():
        assert len(times) == 1, (host, down)
    in_order = sorted(times[0] for times in down.values())
    for before, after in zip(in_order, in_order[1:]):
        assert before[1] <= after[0], f"two members of etcd were down at once: {down}"
    print({host: f"{(times[0][1] - times[0][0]) / 1e6:.2f} s" for host, times in down.items()})


def test_nothing_changes_before_each_machines_turn(cluster, tmp_path):
    before = cluster.on_each(MACHINES, lambda host: state(cluster, host))
    old, new = newer_build(cluster, str(tmp_path / "runc"))
    runc = f"runc {old} -> {new}"
    told = {change["node"]: change["effects"] for change in
            json.loads(cluster.muster("diff", cluster.inventory, "--upgrade", "runc", "-o", "json").stdout)["changes"]}
    assert told == {host: [f"containerd.service: restart at its turn: {runc}"] for host in MACHINES}
    cluster.muster("apply", cluster.inventory, "--upgrade", "runc")

    with cluster.changed_inventory(*SETTING):
        pending = [f"containerd.service: restart: runc is {old}"]
        etcd = ["etcd.service: restart: /etc/muster/arguments/etcd.env content differs"]
        for host in MACHINES:
            cluster.converge(host)
            cluster.converge(host)
            assert cluster.report(host)["pending"] == (etcd if host in MASTERS else []) + pending, host
            assert f"pending: {pending[0]}" in cluster.run(host, "muster-agent", "plan").stdout
            cluster.run(host, "test", "-x", f"/opt/muster/releases/runc/{new}/bin/runc")
        assert cluster.on_each(MACHINES, lambda host: state(cluster, host)) == before

        # A crash of what waits starts what ran.
        cluster.run("n1", "systemctl", "kill", "-s", "KILL", "containerd.service")
        cluster.wait_for("containerd to be back", lambda: cluster.run("n1", "systemctl", "is-active", "containerd.service", check=False).stdout.strip()
                         == "active", 20)
        cluster.converge("n1")
        assert state(cluster, "n1")[0::2] == before["n1"][0::2]
        assert cluster.report("n1")["pending"] == pending

        converge_all_masters(cluster, order_at_the_server)
        for host in MASTERS:
            assert cluster.run(host, "readlink", "/opt/muster/current/runc").stdout.strip() == f"../releases/runc/{new}"
        assert state(cluster, "n1")[0::2] == before["n1"][0::2], "n1 had no turn yet"
        call(LAB, "power", "cycle", "n1")
        cluster.wait_for("n1's boot", lambda: cluster.report("n1")["bootId"] == cluster.boot_id("n1") and cluster.report("n1")["verdict"] == "converged", 60)
        assert cluster.run("n1", "readlink", "/opt/muster/current/runc").stdout.strip() == f"../releases/runc/{new}"
        cluster.run_pod("n1", "after-runc")
        cluster.kubectl("delete", "pod", "after-runc", "--wait=false")
    # The setting goes again: the way back is a turn like any other.
    for host in MASTERS:
        cluster.converge(host)
    converge_all_masters(cluster, order_on_each_machine)
    cluster.wait_converged(MACHINES)
