"""A machine with firmware, a disk and a network card: QEMU on the rack's bridge. Emulated, so that it needs no
/dev/kvm: a boot takes about a minute on 2 cores."""
import os
import shutil
import subprocess
import time

from local_cluster import SERVER_ADDRESS, call

BRIDGE = "muster0"
OVMF = "/usr/share/OVMF/OVMF_{}_4M.fd"
METADATA = "169.254.169.254"


def missing():
    """What this machine lacks for it, in words; empty: nothing."""
    lacking = [tool for tool in ("qemu-system-x86_64", "qemu-img", "dnsmasq", "mmdebstrap", "mkfs.vfat", "mcopy") if not shutil.which(tool)]
    if not os.path.exists(OVMF.format("CODE")):
        lacking.append("OVMF")
    return ", ".join(lacking)


class WholeMachine:
    def __init__(self, name, folder, address, firmware, identity):
        """identity: what SMBIOS says, as QEMU's arguments; the disk is `folder`/NAME.qcow2."""
        self.name, self.folder, self.address = name, str(folder), address
        self.mac = "02:4d:55:00:00:%02x" % int(address.rsplit(".", 1)[1])
        self.firmware, self.identity = firmware, identity
        self.console = os.path.join(self.folder, f"{name}.console")
        self.processes = []

    def power_on(self, image, size="6G"):
        """With an own disk over `image`, larger than it, as a cloud gives one."""
        disk = os.path.join(self.folder, f"{self.name}.qcow2")
        call("qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2", disk, size)
        call("ip", "tuntap", "add", "dev", self.tap, "mode", "tap")
        call("ip", "link", "set", self.tap, "master", BRIDGE, "up")
        self.processes = [self.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", f"--interface={BRIDGE}",
                                     "--bind-interfaces", "--except-interface=lo", "--no-ping", "--dhcp-ignore-clid", "--leasefile-ro",
                                     "--dhcp-range=10.77.0.0,static,255.255.0.0", f"--dhcp-host={self.mac},{self.address}",
                                     f"--dhcp-option=3,{SERVER_ADDRESS}", "--user=root", "--pid-file"),
                          self.start("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-nodefaults",
                                     "-no-user-config", "-display", "none", "-serial", f"file:{self.console}", *self.firmware_arguments(),
                                     "-drive", f"file={disk},if=virtio,format=qcow2,cache=unsafe", "-device", "virtio-rng-pci",
                                     "-netdev", f"tap,id=n0,ifname={self.tap},script=no,downscript=no",
                                     "-device", f"virtio-net-pci,netdev=n0,mac={self.mac},romfile=", *self.identity)]
        self.began = time.monotonic()

    @property
    def tap(self):
        return f"mu-{self.name}"

    def firmware_arguments(self):
        if self.firmware == "bios":
            return ["-machine", "pc,graphics=off"]
        variables = os.path.join(self.folder, f"{self.name}.vars")
        shutil.copy(OVMF.format("VARS"), variables)
        return ["-machine", "q35", "-drive", f"if=pflash,format=raw,readonly=on,file={OVMF.format('CODE')}",
                "-drive", f"if=pflash,format=raw,file={variables}"]

    def start(self, *command):
        with open(os.path.join(self.folder, f"{self.name}.log"), "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def is_on(self):
        return all(process.poll() is None for process in self.processes)

    def last_words(self):
        with open(self.console, encoding="utf-8", errors="replace") as stream:
            return stream.read()[-3000:]

    def power_off(self):
        for process in self.processes:
            process.kill()
            process.wait()
        call("ip", "link", "delete", self.tap, check=False)


def metadata_rule(action):
    """What a cloud's fabric does: its address for metadata is this machine's boot listener; sources are kept."""
    return call("iptables", "-t", "nat", action, "PREROUTING", "-i", BRIDGE, "-d", METADATA, "-p", "tcp", "--dport", "80",
                "-j", "REDIRECT", "--to-ports", "8080", check=action == "-I")
