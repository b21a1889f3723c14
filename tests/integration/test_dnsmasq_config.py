"""`muster dhcp config` against the real dnsmasq, asked as firmware and iPXE ask."""
import json
import os
import re
import subprocess
import sys

import pytest
from local_cluster import BUILD

MUSTER = os.path.join(BUILD, "metadata-server", "cli", "muster")
FIRMWARE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dhcp_firmware.py")
BOOT = "http://10.77.0.1:8080/boot.ipxe"
KNOWN, BMC, STRANGER = "52:54:00:00:00:21", "52:54:00:00:00:71", "52:54:00:00:00:99"
BIOS, EFI, EFI_TOO, ARM64, EFI_HTTP = 0, 7, 9, 11, 16

INVENTORY = f"""apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec: {{kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16, nodeCidr: 10.77.0.0/24, nodeGateway: 10.77.0.254, nameservers: [10.77.0.253]}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: m1}}
spec: {{cluster: lab, role: master, address: 10.77.0.11}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: n1}}
spec: {{cluster: lab, role: node, address: 10.77.0.21, match: {{mac: ["{KNOWN}", "52:54:00:00:00:22"]}}, bmc: {{mac: "{BMC}", address: 10.77.0.71}}}}
"""


@pytest.fixture
def configuration(tmp_path):
    def make(*options):
        (tmp_path / "racks").mkdir(exist_ok=True)
        (tmp_path / "racks" / "site.yaml").write_text(INVENTORY)
        out = tmp_path / "dnsmasq.conf"
        subprocess.run([MUSTER, "dhcp", "config", str(tmp_path / "racks"), "--interface", "br0", "--boot-server", "http://10.77.0.1:8080", "--out", str(out),
                        *options], check=True)
        assert out.stat().st_mode & 0o777 == 0o644
        subprocess.run(["dnsmasq", "--test", f"--conf-file={out}"], check=True)
        text = out.read_text()  # its leases lie where the unit may write
        assert "dhcp-leasefile=/var/lib/muster-dnsmasq/leases\n" in text
        out.write_text(text.replace("/var/lib/muster-dnsmasq", str(tmp_path)))
        return str(out)
    return make


def asked(configuration, *questions):
    done = subprocess.run(["unshare", "--net", sys.executable, FIRMWARE, configuration], input=json.dumps(questions), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")


@needs_root
def test_alone_each_firmware_gets_its_address_and_its_ipxe_and_ipxe_the_chain(configuration):
    path = configuration("--mode", "full", "--router-advertisement", "fd00:77::", "--http-boot", "http://10.77.0.1:8000/ipxe.efi")
    questions = [{"mac": KNOWN, "arch": arch} for arch in (BIOS, EFI, EFI_TOO, ARM64, EFI_HTTP)]
    bios, efi, efi_too, arm64, efi_http, ipxe, bmc, stranger = asked(path, *questions, {"mac": KNOWN, "arch": BIOS, "class": "iPXE"},
                                                                     {"mac": BMC, "arch": BIOS}, {"mac": STRANGER, "arch": BIOS, "patience": 2})
    assert [each["address"] for each in (bios, efi, efi_too, arm64, efi_http, ipxe)] == ["10.77.0.21"] * 6
    assert [each["file"] for each in (bios, efi, efi_too, arm64)] == ["undionly.kpxe", "snponly.efi", "snponly.efi", "ipxe-arm64.efi"]
    assert bios["next"] == "10.77.0.1" and bios["router"] == ["10.77.0.254"] and bios["servers"] == ["10.77.0.253"]
    assert (efi_http["file"], efi_http["class"]) == ("http://10.77.0.1:8000/ipxe.efi", "HTTPClient")
    assert ipxe["file"] == BOOT
    assert bmc["address"] == "10.77.0.71"
    assert stranger is None


@needs_root
def test_alone_strangers_get_addresses_of_the_range_that_is_theirs(configuration):
    path = configuration("--mode", "full", "--range", "10.77.0.200,10.77.0.209")
    stranger, = asked(path, {"mac": STRANGER, "arch": BIOS, "class": "iPXE"})
    assert stranger["address"] in [f"10.77.0.{last}" for last in range(200, 210)]
    assert stranger["file"] == BOOT


@needs_root
def test_beside_another_server_it_gives_no_address_and_says_where_to_boot_from(configuration):
    path = configuration()
    bios, ipxe, efi = asked(path, {"mac": KNOWN, "arch": BIOS}, {"mac": KNOWN, "arch": BIOS, "class": "iPXE"}, {"mac": KNOWN, "arch": EFI})
    assert [each["address"] for each in (bios, ipxe, efi)] == ["0.0.0.0"] * 3
    assert ipxe["file"] == BOOT
    assert efi["next"] == "10.77.0.1" and efi["class"] == "PXEClient"  # and from there, port 4011


def of_the_other_end(path, tmp_path, kept=lambda line: True):
    """The same configuration, for a machine at the other end of the link; `muster dhcp alone` for it."""
    other = tmp_path / "other.conf"
    with open(path, encoding="utf-8") as stream:
        other.write_text("".join(line for line in stream if kept(line)).replace("interface=br0", "interface=machine"))
    return {"command": [MUSTER, "dhcp", "alone", str(other)]}, other


@needs_root
def test_alone_refuses_where_another_server_gives_addresses(configuration, tmp_path):
    path = configuration("--mode", "full", "--range", "10.77.0.200,10.77.0.209")
    question, other = of_the_other_end(path, tmp_path)
    answer, = asked(path, question)
    assert answer["status"] != 0
    assert re.fullmatch(rf"muster: interface machine: another DHCP server answers there, 10\.77\.0\.1, which offers 10\.77\.0\.20\d: expected none where this "
                        rf"one gives the addresses \(--mode full\); switch that one off, or write {re.escape(str(other))} anew with --mode proxy\n",
                        answer["said"]), answer["said"]


@needs_root
@pytest.mark.parametrize("theirs, ours", [("proxy", "full"), ("full", "proxy")])
def test_beside_a_proxy_or_as_one_it_starts(configuration, tmp_path, theirs, ours):
    configuration("--mode", ours)
    question, other = of_the_other_end(str(tmp_path / "dnsmasq.conf"), tmp_path)
    answer, = asked(configuration("--mode", theirs, *(["--range", "10.77.0.200,10.77.0.209"] if theirs == "full" else [])), question)
    assert answer == {"status": 0, "said": ""}


@needs_root
def test_an_interface_that_is_not_there_is_named(configuration, tmp_path):
    path = configuration("--mode", "full")
    done = subprocess.run([MUSTER, "dhcp", "alone", path], capture_output=True, text=True, check=False)
    assert done.stderr == "muster: interface br0: whether another DHCP server is there cannot be asked: its address: No such device\n"


def test_what_is_already_so_is_left_alone(configuration, tmp_path):
    path = configuration()
    again = subprocess.run([MUSTER, "dhcp", "config", str(tmp_path / "racks"), "--interface", "br0", "--boot-server", "http://10.77.0.1:8080"],
                           check=True, capture_output=True, text=True).stdout
    with open(path, "w", encoding="utf-8") as out:
        out.write(again)
    before = os.stat(path)
    done = subprocess.run([MUSTER, "dhcp", "config", str(tmp_path / "racks"), "--interface", "br0", "--boot-server", "http://10.77.0.1:8080", "--out", path],
                          check=True, capture_output=True, text=True)
    assert done.stdout == f"{path}: already so\n"
    assert os.stat(path).st_ino == before.st_ino
