"""The units by systemd's own checks: their syntax, their order, their exposure."""
import glob
import os
import re
import shutil
import subprocess

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(REPOSITORY, "units")
COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "containerd", "kubelet",
              "kube-api-balancer", "muster-hostname", "muster-kernel", "muster-routes"]

pytestmark = pytest.mark.release_build


def read(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as stream:
        return stream.read()


def test_systemd_finds_nothing_wrong(tmp_path):
    files = []
    for path in glob.glob(f"{UNITS}/*.service") + glob.glob(f"{UNITS}/*.target") + glob.glob(f"{UNITS}/*.timer") + glob.glob(f"{UNITS}/*.path"):
        files.append(shutil.copy(path, tmp_path))
    # --man=no: else each Documentation=man:... must be installed here, which is so by chance.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    # The programs come with the releases: that they are not on this machine is no finding.
    found = [line for line in done.stderr.splitlines() if "is not executable" not in line and line.strip()]
    assert found == []


@pytest.mark.parametrize("unit, most", [("muster-server", 1.5), ("muster-agent", 2.6), ("muster-kubelet-monitor", 2.6),
                                        ("muster-runtime-monitor", 2.6), ("muster-network-monitor", 2.6), ("muster-routes", 4.5), ("muster-kernel", 5.5),
                                        ("muster-hostname", 3.0), ("muster-backup", 2.2), ("muster-dnsmasq", 2.1), ("muster-dnsmasq-reload", 1.4),
                                        ("muster-goodbye", 2.6)])
def test_exposure(unit, most, tmp_path):
    path = shutil.copy(os.path.join(UNITS, f"{unit}.service"), tmp_path)
    out = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path], capture_output=True, text=True, check=False).stdout
    found = float(re.search(r"exposure level for .*: ([0-9.]+)", out).group(1))
    assert found <= most


@pytest.mark.parametrize("unit", COMPONENTS)
def test_component_units_are_static_and_not_ordered_on_the_agent(unit):
    text = read(f"{unit}.service")
    assert "[Install]" not in text
    assert not re.search(r"^(After|Requires|Wants|BindsTo)=.*muster-agent", text, re.M)


@pytest.mark.parametrize("unit", [unit for unit in COMPONENTS if not unit.startswith("muster-")])
def test_components_come_back_for_ever(unit):
    text = read(f"{unit}.service")
    assert "Restart=always" in text and "StartLimitIntervalSec=0" in text


@pytest.mark.parametrize("unit, first", [("kubelet", "containerd.service"), ("kubelet", "muster-await-api.service"), ("muster-await-api", "kube-api-balancer.service"),
                                         ("kubelet", "muster-kernel.service"), ("kube-apiserver", "etcd.service"),
                                         ("kube-controller-manager", "kube-apiserver.service"), ("kube-scheduler", "kube-apiserver.service")])
def test_order(unit, first):
    assert re.search(rf"^After=.*\b{re.escape(first)}", read(f"{unit}.service"), re.M)


def test_the_last_word_comes_before_network_and_agent_stop():
    lines = read("muster-goodbye.service").splitlines()
    assert "After=network.target muster-agent.service" in lines  # stopped in the other order
    assert "ConditionKernelCommandLine=muster.image" in lines
    assert "muster-goodbye.service" in read("muster.target")


def test_the_agent_sees_the_machine_as_it_is():
    lines = read("muster-agent.service").splitlines()
    # A host name of its own would hide that a wrong one was cured; a /proc of its own hides a container's boot id.
    assert not any(line.startswith("ProtectHostname") for line in lines)
    assert "Environment=MUSTER_BOOT_ID=%b" in lines


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")
def test_an_absurd_peer_costs_its_own_route(tmp_path):
    script = re.search(r"^ExecStart=/bin/sh -ec '(f=/etc/muster/routes;.*?)'$", read("muster-routes.service").replace("\\\n", ""), re.M | re.S).group(1)
    routes = tmp_path / "routes"
    rows = ["10.244.1.0/24 via 203.0.113.9", "10.244.2.0/24 via 10.77.0.12", "10.244.3.0/24 via 127.0.0.1", "10.244.4.0/24 via 10.77.0.14"]
    routes.write_text("".join(row + "\n" for row in rows))
    script = script.replace("/etc/muster/routes", str(routes)).replace("/tmp/wanted", str(tmp_path / "wanted"))
    link = "ip link add v1 type veth peer name v2; ip addr add 10.77.0.11/16 dev v1; ip link set v1 up; ip link set v2 up"
    stale = "ip route add 10.244.9.0/24 via 10.77.0.19 proto 77"
    done = subprocess.run(["unshare", "--net", "sh", "-ec", f"{link}; {stale}; {script}\nip -o route show proto 77"], capture_output=True, text=True, check=True)
    assert [line.split(" dev")[0] for line in done.stdout.splitlines()] == [rows[1], rows[3]]


OWN_PODS = "10.244.7.0/24 dev cni0 proto kernel scope link src 10.244.7.1"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")
@pytest.mark.parametrize("before, after", [
    ("ip route del 10.244.7.0/24", OWN_PODS), ("ip route replace 10.244.7.0/24 via 10.77.0.12", OWN_PODS), ("true", OWN_PODS),
    ("ip link set cni0 down", ""), ("ip addr flush dev cni0", ""), ("ip link del cni0", "")])
def test_the_route_to_its_own_pods_is_put_back(before, after, tmp_path):
    script = re.search(r"^ExecStart=/bin/sh -ec '(f=/etc/cni/.*?)'$", read("muster-routes.service").replace("\\\n", ""), re.M | re.S).group(1)
    config = tmp_path / "10-muster.conflist"
    with open(os.path.join(REPOSITORY, "tests", "golden", "machine", "cni.conflist"), encoding="utf-8") as stream:
        config.write_text(re.sub(r'"subnet": "[^"]*"', '"subnet": "10.244.7.0/24"', stream.read()))
    script = script.replace("/etc/cni/net.d/10-muster.conflist", str(config))
    link = "ip link add v1 type veth peer name v2; ip addr add 10.77.0.11/16 dev v1; ip link set v1 up; ip link set v2 up"
    bridge = "ip link add cni0 type bridge; ip addr add 10.244.7.1/24 dev cni0; ip link set cni0 up"
    show = "ip route show 10.244.7.0/24"
    done = subprocess.run(["unshare", "--net", "sh", "-ec", f"{link}; {bridge}; {before}; sh -ec '{script}'; {show}"], capture_output=True, text=True, check=True)
    assert done.stdout.replace("linkdown", "").split() == after.split()


def test_networkd_keeps_the_address_that_the_seed_told():
    assert {"[Network]", "KeepConfiguration=static"} <= set(read("muster.network").splitlines())
    with open(os.path.join(REPOSITORY, "tests", "golden", "boot", "network-config"), encoding="utf-8") as stream:
        assert "  node0:\n" in stream.read()  # the name that the drop-ins are for


def test_networkd_leaves_routes_that_are_not_its_own():
    assert {"ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"} <= set(read("muster.networkd").splitlines())
