"""A machine that is not what the inventory says is refused in seconds, with the cure in its verdict, and
what runs on it is left alone."""
import time

import pytest

N8 = "10.77.0.28"
MAC = "02:4d:55:00:00:1c"


@pytest.fixture(scope="module")
def n8(cluster):
    cluster.add_node("n8", N8)
    cluster.apply()
    cluster.power_on({"n8": ("node", N8)})
    cluster.wait_converged(["n8"], seconds=120)
    yield cluster
    assert cluster.run("n8", "muster-agent", "converge").returncode == 0
    cluster.remove_node("n8")


def refused(cluster, *environment):
    """The verdict of one converge, as the server has it; the machine is as before."""
    def running():
        return cluster.run("n8", "systemctl", "show", "-p", "MainPID", "kubelet.service", "containerd.service", "kube-proxy.service").stdout
    before, began = running(), time.monotonic()
    done = cluster.run("n8", "env", *environment, "muster-agent", "converge", check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert time.monotonic() - began < 20
    assert running() == before
    report = cluster.report("n8")
    assert report["verdict"] == "failed"
    return report["failureClass"], report["message"]


def test_wrong_host_name(n8):
    n8.run("n8", "hostname", "other")
    try:
        # What it runs is for this name, and goes on.
        n8.converge("n8")
        report = n8.report("n8")
        assert (report["verdict"], report["configuration"]) == ("converged", "settled")
        assert [problem["message"] for problem in report["unwell"]] == ["host name: expected 'n8', found 'other'; run: hostnamectl set-hostname n8"]
    finally:
        n8.run("n8", "hostname", "n8")
    n8.converge("n8")
    n8.wait_converged(["n8"], seconds=10)


def test_wrong_nic(n8):
    n8.add_node("n8", N8, mac="02:4d:55:00:00:fe")
    n8.apply()
    try:
        assert refused(n8) == (
            "network", f"network interface: expected {N8} on the NIC with MAC 02:4d:55:00:00:fe, found it on host0 with {MAC}; move the "
            "address (or the cable) to that NIC, or correct 'match.mac' in the inventory")
    finally:
        n8.add_node("n8", N8)
        n8.apply()
    n8.converge("n8")
    n8.wait_converged(["n8"], seconds=10)


def test_wrong_address(n8):
    n8.add_node("n8", "10.77.0.29", mac=MAC)
    n8.apply()
    try:
        kind, message = refused(n8)
        assert kind == "network"
        # Where a pod has run, its bridge is among what is found.
        assert message.startswith("address: expected 10.77.0.29 on an interface, found ")
        assert f"host0 {MAC} [{N8}" in message
        assert message.endswith("; give the NIC this address (DHCP reservation or network configuration), or correct the inventory's 'address'")
    finally:
        n8.add_node("n8", N8)
        n8.apply()
    n8.converge("n8")
    n8.wait_converged(["n8"], seconds=10)


# The agent alone is told another time: the clock has no namespace and is nobody's to set here. So far ahead
# the machine's own identity looks expired, so far behind the server's certificate is not valid yet.
@pytest.mark.parametrize("offset, seconds, direction", [("+300", 300, "ahead"), ("-300", 300, "behind"), ("+400d", 400 * 86400, "ahead"),
                                                        ("-30d", 30 * 86400, "behind")])
def test_wrong_clock(n8, offset, seconds, direction):
    """A machine that is set up goes on, and says it; nothing of it is restarted."""
    n8.put_file("n8", "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/var/lib/libfaketimeMT.so.1")

    def running():
        return n8.run("n8", "systemctl", "show", "-p", "MainPID", "kubelet.service", "containerd.service", "kube-proxy.service").stdout
    before, began = running(), time.monotonic()
    n8.run("n8", "env", "LD_PRELOAD=/var/lib/libfaketimeMT.so.1", f"FAKETIME={offset}", "FAKETIME_DONT_FAKE_MONOTONIC=1", "muster-agent", "converge",
           timeout=60)
    assert time.monotonic() - began < 20
    assert running() == before
    report = n8.report("n8")
    assert report["verdict"] == "converged"
    close = [f"clock: expected within 30 s of the server's, found {seconds + off} s {direction}; set it (timedatectl set-ntp true, or the "
             "firmware's clock) and converge again" for off in (-1, 0, 1)]
    assert {problem["subject"]: problem["message"] for problem in report["unwell"]}["clock"] in close
    n8.converge("n8")
    n8.wait_converged(["n8"], seconds=10)
