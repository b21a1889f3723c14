"""Everything that would stop scripts/quickstart, found before it changes anything."""
import glob
import ipaddress
import os
import re
import shutil
import socket
import subprocess

NETWORKS = {"the lab's bridge": "10.77.0.0/16", "pods": "10.64.0.0/16", "services": "10.96.0.0/16"}
PORTS = {8080: "boot listener", 8443: "enrol listener", 8444: "node listener"}
NEEDED_DISK_GB, NEEDED_MEMORY_GB = 12, 5


def obstacles(repository, already_up=False):
    found = []
    found += foreign_build(repository) + disk() + memory() + kernel() + forward_policy()
    if not already_up:
        found += ports() + addresses()
    return found


def foreign_build(repository):
    """A build folder that was copied or linked here builds the tree that it was made for."""
    folder = os.path.join(repository, "build", "ci")
    try:
        with open(os.path.join(folder, "CMakeCache.txt"), encoding="utf-8") as stream:
            home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", stream.read(), re.MULTILINE)
    except OSError:
        return []
    if not home or os.path.realpath(home.group(1)) == os.path.realpath(repository):
        return []
    return [f"build: expected {folder} to be made for {repository}, found one made for {home.group(1)}, whose programs it would start. "
            f"Remove it: rm -r {folder}"]


def disk():
    place = os.environ.get("MUSTER_CACHE", "/var/cache")
    while not os.path.exists(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free / 1e9
    if free < NEEDED_DISK_GB:
        return [f"disk: expected {NEEDED_DISK_GB} GB free at {place}, found {free:.1f} GB. Free some, or set MUSTER_CACHE to a larger disk."]
    return []


def memory():
    with open("/proc/meminfo", encoding="ascii") as stream:
        available = int(re.search(r"MemAvailable:\s+(\d+)", stream.read()).group(1)) / 1e6
    if available < NEEDED_MEMORY_GB:
        return [f"memory: expected {NEEDED_MEMORY_GB} GB available, found {available:.1f} GB. Stop something or use a larger machine."]
    return []


def kernel():
    found = []
    with open("/proc/filesystems", encoding="ascii") as stream:
        if "overlay" not in stream.read() and subprocess.run(["modprobe", "overlay"], capture_output=True, check=False).returncode:
            found.append("kernel: expected the overlay file system, found none. Run: modprobe overlay")
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as stream:
            there = set(stream.read().split())
    else:
        there = {os.path.basename(path) for path in glob.glob("/sys/fs/cgroup/*")}
    missing = {"cpu", "memory", "pids", "cpuset"} - there
    if missing:
        found.append(f"cgroups: expected the controllers cpu, memory, pids, cpuset, missing: {', '.join(sorted(missing))}. "
                     "Enable them on the kernel command line (cgroup_enable=...).")
    return found


def forward_policy():
    """A firewall that drops forwarded packets also drops pods' packets between hosts on a bridge."""
    if not shutil.which("nft"):
        return []
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=False).stdout
    if re.search(r"hook forward [^}]*policy drop", rules) and os.path.exists("/proc/sys/net/bridge/bridge-nf-call-iptables"):
        with open("/proc/sys/net/bridge/bridge-nf-call-iptables", encoding="ascii") as stream:
            if stream.read().strip() == "1":
                return ["firewall: the forward policy is drop and bridged packets pass through it. "
                        "Run: sysctl net.bridge.bridge-nf-call-iptables=0"]
    return []


def ports():
    found = []
    for port, use in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                found.append(f"port {port} ({use}): expected it free, something listens there. See: ss -ltnp 'sport = :{port}'")
    return found


def addresses():
    found = []
    lines = subprocess.run(["ip", "-4", "route", "show", "table", "main"], capture_output=True, text=True, check=False).stdout.splitlines()
    for line in lines:
        words = line.split()
        if not words or words[0] == "default" or "muster0" in words:
            continue
        try:
            route = ipaddress.ip_network(words[0], strict=False)
        except ValueError:
            continue
        for use, network in NETWORKS.items():
            if route.overlaps(ipaddress.ip_network(network)):
                found.append(f"addresses: {network} ({use}) overlaps this machine's route '{line.strip()}'. "
                             "Take that network down while you try Muster.")
    return found
