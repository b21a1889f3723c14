"""An empty machine, QEMU, that starts by the network, and the segment's dnsmasq as `muster dhcp config` writes it. The one home
of both, for scripts/quickstart and the e2e tests. Emulated, so that it needs no /dev/kvm: a boot takes a minute and more on 2 cores."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from local_cluster import SERVER_ADDRESS, call
from waiting import Failure, wait_for

BRIDGE = "muster0"
# iPXE waits for a router before it uses its address; dnsmasq is one for the prefix of an address of its own.
PREFIX, ROUTER = "fd00:77::", "fd00:77::1/64"
# Of a processor that QEMU emulates, each newer feature costs time: by qemu64 a boot takes half of what it takes by max, and
# the kernel's guards against real processors' faults guard nothing here.
EMULATED = ["-accel", "tcg,thread=multi", "-cpu", "qemu64"]
OVERRIDES = "overrides: {netboot: {image: tower}, kernel: {arguments: [mitigations=off]}}"
OVMF = "/usr/share/OVMF/OVMF_{}_4M.fd"
# What the console says -> the phase that it ends. QEMU's own network card starts with iPXE, OVMF has it from TFTP.
PHASES = [("firmware", r"iPXE 1\.|iPXE 2\."), ("DHCP", r"^net0: \d"), ("iPXE's chain", r"muster: \S+ starts image-"), ("kernel and initrd fetched", r"Linux version"),
          ("kernel", r"muster: image "), ("drivers, DHCP again", r"muster: \w+: \d"), ("root fetched and verified", r"muster: root: 100 %"),
          ("root mounted", r"muster: handing over"), ("systemd", r"Reached target.*multi-user|login:")]


def missing(uefi=False):
    """What this machine lacks for it, in words; empty: nothing."""
    lacking = [tool for tool in ("qemu-system-x86_64", "dnsmasq", "mmdebstrap", "mksquashfs") if not shutil.which(tool)]
    if not os.path.exists("/usr/lib/ipxe/undionly.kpxe"):
        lacking.append("iPXE")
    if uefi and not os.path.exists(OVMF.format("CODE")):
        lacking.append("OVMF")
    return ", ".join(lacking)


def begin(pid_file, log, *command):
    """Started so that it outlives this program, until `end`."""
    with open(log, "ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    with open(pid_file, "w", encoding="ascii") as out:
        out.write(f"{process.pid} {command[0]}")
    return process


def runs(pid_file):
    """The process that `begin` has started, while it runs: a number alone may be another's by now."""
    try:
        with open(pid_file, encoding="ascii") as stream:
            pid, program = stream.read().split()
        # Not its command line, which is empty for a moment while it starts.
        return int(pid) if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == program else None
    except (OSError, ValueError):
        return None


def end(pid_file):
    pid = runs(pid_file)
    if pid:
        os.kill(pid, signal.SIGKILL)
        wait_for(f"process {pid} to end", lambda: not runs(pid_file), 10)


class BootSegment:
    """DHCP and TFTP on the rack's bridge, for the machines of an inventory."""

    def __init__(self, cluster, inventory, folder):
        self.configuration, self.log = os.path.join(folder, "dnsmasq.conf"), os.path.join(folder, "dnsmasq.log")
        cluster.muster("dhcp", "config", inventory, "--interface", BRIDGE, "--boot-server", f"http://{SERVER_ADDRESS}:{cluster.ports['boot']}",
                       "--mode", "full", "--router-advertisement", PREFIX, "--out", self.configuration)
        self.pid_file = os.path.join(folder, "dnsmasq.pid")

    def __enter__(self):
        call("ip", "-6", "address", "replace", ROUTER, "dev", BRIDGE, "nodad")
        end(self.pid_file)  # of another configuration
        begin(self.pid_file, self.log, "dnsmasq", "--keep-in-foreground", f"--conf-file={self.configuration}", "--log-facility=-", "--leasefile-ro",
              "--user=root", "--pid-file")
        return self

    def __exit__(self, *_):
        end(self.pid_file)
        call("ip", "-6", "address", "delete", ROUTER, "dev", BRIDGE, check=False)


class NetbootMachine:
    def __init__(self, name, folder, mac, firmware="bios", memory=3072, disk=None, disk_first=False):
        """`disk`: (a qcow2 file, its serial number); disk_first: the firmware asks it before the network."""
        self.name, self.folder, self.mac, self.firmware, self.memory, self.disk, self.disk_first = name, str(folder), mac, firmware, memory, disk, disk_first
        self.uuid = f"5c1a7f0e-7b1e-4c5e-9a53-{mac.replace(':', '')}"
        self.pid_file, self.console = (os.path.join(self.folder, f"{name}.{what}") for what in ("pid", "console"))
        self.reader, self.began = None, 0.0
        self.lines = []  # (seconds since power-on, what the console said)

    @property
    def tap(self):
        return f"mu-{self.name}"

    def power_on(self):
        os.makedirs(self.folder, exist_ok=True)
        call("ip", "tuntap", "add", "dev", self.tap, "mode", "tap")
        call("ip", "link", "set", self.tap, "master", BRIDGE, "up")
        command = ["qemu-system-x86_64", *EMULATED, "-smp", "2", "-m", str(self.memory), "-nodefaults", "-no-user-config",
                   "-display", "none", "-serial", f"file:{self.console}", "-uuid", self.uuid, "-device", "virtio-rng-pci", *self.firmware_arguments(),
                   "-netdev", f"tap,id=n0,ifname={self.tap},script=no,downscript=no"]
        if self.disk:
            first = ",bootindex=1" if self.disk_first else ""
            command += ["-drive", f"if=none,id=state,format=qcow2,file={self.disk[0]}", "-device", f"virtio-blk-pci,drive=state,serial={self.disk[1]}{first}"]
        with open(self.console, "wb"):
            self.lines, self.began = [], time.monotonic()
        begin(self.pid_file, os.path.join(self.folder, f"{self.name}.log"), *command)
        self.reader = threading.Thread(target=self.read_console, args=(self.lines,), daemon=True)
        self.reader.start()

    def firmware_arguments(self):
        card = f"virtio-net-pci,netdev=n0,mac={self.mac}"
        if self.firmware == "bios":
            return ["-machine", "pc,graphics=off", "-device", f"{card},bootindex=2"]
        variables = os.path.join(self.folder, f"{self.name}.vars")
        shutil.copy(OVMF.format("VARS"), variables)
        return ["-machine", "q35", "-drive", f"if=pflash,format=raw,readonly=on,file={OVMF.format('CODE')}",
                "-drive", f"if=pflash,format=raw,file={variables}", "-device", f"{card},romfile=,bootindex=2"]

    def read_console(self, lines):
        """Of this boot, until its end: the next one has another list."""
        with open(self.console, "rb") as stream:
            rest = b""
            while lines is self.lines and (self.is_on() or not lines):
                *whole, rest = (rest + stream.read()).split(b"\n")
                for line in whole:
                    text = re.sub(r"\x1b\[[0-9;?=]*[a-zA-Z]|\x1bc|\r", "", line.decode("utf-8", "replace")).rstrip()
                    if text:
                        lines.append((time.monotonic() - self.began, text))
                time.sleep(0.1)

    def is_on(self):
        return runs(self.pid_file) is not None

    def said(self, pattern):
        """The lines of this boot that have it."""
        return [text for _, text in list(self.lines) if re.search(pattern, text)]

    def last_words(self, count=40):
        return "\n".join(text for _, text in self.lines[-count:])

    def phases(self):
        """[(phase, the second since power-on at which it ended)], as far as this boot is."""
        ended = []
        for name, pattern in PHASES:
            when = next((second for second, text in list(self.lines) if re.search(pattern, text)), None)
            if when is not None:
                ended.append((name, when))
        return ended

    def power_cut(self):
        end(self.pid_file)
        self.lines = list(self.lines)
        call("ip", "link", "delete", self.tap, check=False)


def fingerprint(cluster, name):
    """Of the key by which the machine is admitted; empty: none."""
    shown = cluster.muster("node", "show", name, "--cluster", cluster.cluster, "-o", "json").stdout
    return json.loads(shown).get("fingerprint") or ""


def boot(cluster, machine, seconds):
    """Power-on to Ready: [(phase, the second at which it ended)]. One that was there before comes back with another key, or
    with its own where that is on a disk."""
    def came():
        """By what is seen that it is this boot's."""
        return cluster.report(machine.name).get("bootId", "") if machine.disk else fingerprint(cluster, machine.name)
    before = came()
    machine.power_on()
    left = lambda: seconds - (time.monotonic() - machine.began)  # noqa: E731
    try:
        wait_for(f"{machine.name} to be admitted", lambda: came() not in ("", before), left(), machine.is_on)
        admitted = time.monotonic() - machine.began
        wait_for(f"{machine.name} to be converged", lambda: cluster.node_status(machine.name)[0] == "converged", left(), machine.is_on)
    except Failure as failure:
        verdict, message = cluster.node_status(machine.name)
        told = cluster.muster("explain", "enrolment", machine.name, check=False).stdout
        raise Failure(f"{failure}\n{verdict} {message}\n{told}\n{machine.last_words()}") from failure
    ready = time.monotonic() - machine.began
    return sorted([*machine.phases(), ("admitted", admitted), ("converged: Ready", ready)], key=lambda phase: phase[1])


def timeline(ended):
    """Of [(phase, second at which it ended)], for people."""
    rows, before = ["  at s    took  phase"], 0.0
    for name, second in ended:
        rows.append(f"{second:6.1f}  {second - before:6.1f}  {name}")
        before = second
    return "\n".join(rows)
