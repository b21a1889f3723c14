"""What fell out of effect comes back by itself: routes, masquerading, peers' names, images, sysctls, monitors, modes of keys,
unit files; after a networkd restart, a link that went down and up, and commands of a person. What is not the agent's to put
back is told. The seconds until each is back or told are printed."""
import json
import os
import time

import pytest

from local_cluster import REPOSITORY
from well_again import is_well, subjects

pytestmark = pytest.mark.long

POLL = 60 * 1.1  # what the server asks for, with its jitter
LIMIT = POLL + 10
# One line for each thing that is in effect.
LOOK = r"""
[ "$(ip -o route show proto 77 | wc -l)" = "$(wc -l </etc/muster/routes)" ] && echo routes
nft list table ip muster 2>/dev/null | grep -q masquerade && echo table
[ "$(grep -c ' # muster$' /etc/hosts)" = "$(wc -l </etc/muster/hosts)" ] && ! grep -q '^# muster' /etc/hosts && echo hosts
ctr=/opt/muster/current/containerd/bin/ctr
$ctr -n k8s.io images list | grep registry.k8s.io/coredns | grep -q io.cri-containerd.pinned=pinned && echo image
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] && echo ip_forward
systemctl is-active -q muster-kubelet-monitor.service && echo monitor
[ "$(stat -Lc %a /etc/kubernetes/pki/kubelet-client/tls.key)" = 600 ] && echo key
grep -q '^ExecStart=/opt/muster/current/kubernetes-node/bin/kubelet' /etc/systemd/system/kubelet.service && echo unit
exit 0
"""
EVERYTHING = {"routes", "table", "hosts", "image", "ip_forward", "monitor", "key", "unit"}


def in_effect(cluster, host):
    return set(cluster.run(host, "sh", "-c", LOOK).stdout.split())


def put_back(cluster, host, what):
    """Until all of `what` is in effect again; the seconds that each took."""
    began, seconds = time.monotonic(), {}
    while what - set(seconds):
        for name in (in_effect(cluster, host) & what) - set(seconds):
            seconds[name] = time.monotonic() - began
        assert time.monotonic() - began < LIMIT, f"not back after {LIMIT:.0f} s: {what - set(seconds)}"
        time.sleep(0.5)
    print(", ".join(f"{name} back after {seconds[name]:.1f} s" for name in sorted(seconds)))
    return seconds


def invocation(cluster, host):
    return cluster.run(host, "systemctl", "show", "-P", "InvocationID", "muster-routes.service").stdout


def in_kernel(cluster, host):
    return cluster.run(host, "ip", "-o", "route", "show", "proto", "77").stdout


def test_by_hand(cluster):
    cluster.wait_for("everything on n1", lambda: in_effect(cluster, "n1") == EVERYTHING, 30)
    routes = in_kernel(cluster, "n1")
    script = r"""
ip route del $(ip -o route show proto 77 | head -1 | cut -d' ' -f1)
nft flush table ip muster
sed -i '/ # muster$/d' /etc/hosts
ctr=/opt/muster/current/containerd/bin/ctr
digest=$($ctr -n k8s.io images list | awk '/coredns/ {print $3; exit}')
$ctr -n k8s.io images rm --sync $($ctr -n k8s.io images list | awk -v d=$digest '$3 == d {print $1}')
[ ! -e /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/${digest#sha256:} ]
"""
    cluster.run("n1", "sh", "-ec", script)
    put_back(cluster, "n1", EVERYTHING)
    assert in_kernel(cluster, "n1") == routes


def test_what_no_file_says(cluster):
    """Each is told, and put back; nothing that runs is restarted."""
    cluster.wait_for("everything on n1", lambda: in_effect(cluster, "n1") == EVERYTHING, LIMIT)
    kubelet = cluster.run("n1", "systemctl", "show", "-P", "MainPID", "kubelet.service").stdout
    before = len(cluster.journal("n1"))
    script = r"""
echo 0 >/proc/sys/net/ipv4/ip_forward
systemctl stop muster-kubelet-monitor.service
chmod 0644 /etc/kubernetes/pki/kubelet-client/tls.key
sed -i 's,^ExecStart=.*,ExecStart=/bin/true,' /etc/systemd/system/kubelet.service
# As an older agent left it, without its end.
{ sed '/ # muster$/d' /etc/hosts; echo '# muster begin'; cat /etc/muster/hosts; echo '10.0.0.9 printer'; } >/etc/hosts.new
cat /etc/hosts.new >/etc/hosts
rm /etc/hosts.new
"""
    cluster.run("n1", "sh", "-ec", script)
    put_back(cluster, "n1", {"ip_forward", "monitor", "key", "unit", "hosts"})
    told = cluster.journal("n1")[before:]
    for line in ("put back: muster-kernel.service: sysctl net.ipv4.ip_forward: 0, expected 1",
                 "unwell: unit muster-kubelet-monitor.service: stopped; it is started again",
                 "put back: /etc/kubernetes/pki/kubelet-client/tls.key: mode 0644, expected 0600",
                 "put back: /etc/systemd/system/kubelet.service: content differs",
                 "put back: muster-routes.service: /etc/hosts: the peers' names differ"):
        assert line in told, told
    hosts = cluster.run("n1", "cat", "/etc/hosts").stdout.splitlines()
    assert "10.0.0.9 printer" in hosts and "127.0.0.1 localhost" in hosts, hosts
    assert cluster.run("n1", "systemctl", "show", "-P", "MainPID", "kubelet.service").stdout == kubelet
    assert cluster.run("n1", "systemctl", "show", "-P", "NeedDaemonReload", "kubelet.service").stdout.strip() == "no"


def test_a_monitor_that_hangs_is_started_anew(cluster):
    def process():
        return cluster.run("n1", "systemctl", "show", "-P", "MainPID", "muster-network-monitor.service").stdout
    first, began = process(), time.monotonic()
    cluster.run("n1", "systemctl", "kill", "--signal=STOP", "muster-network-monitor.service")
    # Its last finding is believed for 30 s.
    cluster.wait_for("another process", lambda: process() != first, LIMIT + 30, pause=0.5)
    print(f"a hanging monitor was started anew after {time.monotonic() - began:.1f} s")


def test_a_foreign_route_is_told(cluster):
    network = in_kernel(cluster, "n1").split()[0]
    address = network.split("/")[0]
    cluster.run("n1", "ip", "route", "add", address.removesuffix(".0") + ".0/25", "via", "10.77.0.1")
    began = time.monotonic()
    try:
        cluster.wait_for("n1 to tell it", lambda: "foreign routes" in subjects(cluster, "n1"), LIMIT, pause=0.5)
        print(f"a foreign route was told after {time.monotonic() - began:.1f} s")
        [told] = [problem["message"] for problem in cluster.report("n1")["unwell"] if problem["subject"] == "foreign routes"]
        assert "goes via 10.77.0.1, expected via 10.77.0.1" in told and "`ip route get ADDRESS`" in told, told
    finally:
        cluster.run("n1", "ip", "route", "del", address.removesuffix(".0") + ".0/25")
    cluster.wait_for("n1 to be well", lambda: is_well(cluster, "n1"), LIMIT, pause=0.5)


def test_networkd_restart_and_a_link_that_went(cluster):
    # networkd of Debian 12 takes its own address away and adds it again: the kernel drops what leads over it.
    cluster.run("n1", "systemctl", "restart", "systemd-networkd.service")
    put_back(cluster, "n1", {"routes"})
    cluster.run("n1", "sh", "-c", "ip link set host0 down; ip link set host0 up")
    assert "routes" not in in_effect(cluster, "n1"), "the link took no route along"
    put_back(cluster, "n1", {"routes"})


def test_networkd_restart_beside_our_drop_in(cluster):
    """As on an image of ours, whose address the seed told: nothing is to be put back."""
    folder = "/etc/systemd/network/10-lab.network.d"
    cluster.run("n1", "mkdir", folder)
    cluster.put_file("n1", os.path.join(REPOSITORY, "units", "muster.network"), folder + "/muster.conf")
    routes, run = in_kernel(cluster, "n1"), invocation(cluster, "n1")
    assert routes
    try:
        cluster.run("n1", "systemctl", "restart", "systemd-networkd.service")
        cluster.run("n1", "/lib/systemd/systemd-networkd-wait-online", "--interface=host0", "--timeout=30")
        assert in_kernel(cluster, "n1") == routes
        assert invocation(cluster, "n1") == run
    finally:
        cluster.run("n1", "rm", "-r", folder)
        cluster.run("n1", "networkctl", "reload")


def finding(cluster, host):
    return json.loads(cluster.run(host, "cat", "/run/muster-monitor/runtime.json").stdout)


def test_the_runtime_is_asked_over_the_cri(cluster):
    if cluster.run("n1", "test", "-e", "/opt/muster/current/cri-tools/bin/crictl", check=False).returncode:
        pytest.skip("needs scripts/components cri-tools")
    cluster.wait_for("a healthy runtime", lambda: finding(cluster, "n1")["healthy"], 60)
    # It lives and does not answer.
    cluster.run("n1", "systemctl", "kill", "--signal=STOP", "--kill-whom=main", "containerd.service")
    try:
        cluster.wait_for("the monitor to see it", lambda: not finding(cluster, "n1")["healthy"], 60)
        found = finding(cluster, "n1")
    finally:
        cluster.run("n1", "systemctl", "kill", "--signal=CONT", "--kill-whom=main", "containerd.service")
    assert found["message"].startswith("containerd.service: `crictl pods`: expected an answer, found exit status "), found
    cluster.wait_for("a healthy runtime", lambda: finding(cluster, "n1")["healthy"], 60)


def test_one_peer_with_an_absurd_address(cluster):
    wider = cluster.changed_inventory("  podCidr:", "  nodeCidr: 10.76.0.0/15\n  podCidr:")
    with wider:
        # The hosts' link has 10.77.0.0/16.
        cluster.add_node("n9", "10.76.0.29")
        cluster.apply()
        cluster.converge("n1")
        wanted = cluster.run("n1", "cat", "/etc/muster/routes").stdout.splitlines()
        there = in_kernel(cluster, "n1")
        absurd = [row for row in wanted if row.endswith("10.76.0.29")]
        assert absurd and all(row in there for row in wanted if row not in absurd)
        assert not any(row in there for row in absurd)
        run = invocation(cluster, "n1")
        cluster.converge("n1")
        assert invocation(cluster, "n1") == run, "the unit was restarted for a route that cannot be"
        cluster.remove_node("n9")
    cluster.converge("n1")
    assert in_effect(cluster, "n1") == EVERYTHING
