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
    for path in glob.glob(f"{UNITS}/*.service") + glob.glob(f"{UNITS}/*.target") + glob.glob(f"{UNITS}/*.timer"):
        files.append(shutil.copy(path, tmp_path))
    # --man=no: else each Documentation=man:... must be installed here, which is so by chance.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    # The programs come with the releases: that they are not on this machine is no finding.
    found = [line for line in done.stderr.splitlines() if "is not executable" not in line and line.strip()]
    assert found == []


@pytest.mark.parametrize("unit, most", [("muster-server", 1.5), ("muster-agent", 2.6), ("muster-kubelet-monitor", 2.6),
                                        ("muster-runtime-monitor", 2.6), ("muster-routes", 4.5), ("muster-kernel", 5.5),
                                        ("muster-hostname", 3.0)])
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


def test_the_agent_sees_the_machine_as_it_is():
    lines = read("muster-agent.service").splitlines()
    # A host name of its own would hide that a wrong one was cured; a /proc of its own hides a container's boot id.
    assert not any(line.startswith("ProtectHostname") for line in lines)
    assert "Environment=MUSTER_BOOT_ID=%b" in lines
