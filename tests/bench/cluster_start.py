"""A cluster on demand, three machines of stock Debian under their own cloud-init: from the one command to Ready, by
phase, how much of it is Muster's own, what each machine fetched and what that cost. MUSTER_BENCH_RATE=1gbit: the server's
line to them all has that rate."""
import collections
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..", "e2e")]
from boot import WAITS, seconds_of  # noqa: E402
from local_cluster import LAB, LocalCluster, call  # noqa: E402
from on_demand import are_converged, import_agent, set_template, switch_on, verdicts  # noqa: E402

RUNS = 3
MACHINES = {"c1": ("10.77.0.66", "master-1"), "c2": ("10.77.0.82", "nodes"), "c3": ("10.77.0.83", "nodes")}
GOAL = 60
RATE = os.environ.get("MUSTER_BENCH_RATE")
BRIDGE = "muster0"
TICKS = os.sysconf("SC_CLK_TCK")


def phases_of(site, cluster):
    return {node: seconds_of(site.report(node, cluster)["phases"]) for node in verdicts(site, cluster)}


def shape():
    """What this machine sends into the bridge is the server's line; frames between hosts are not touched."""
    call(LAB, "network")
    if RATE:
        subprocess.run(["tc", "qdisc", "replace", "dev", BRIDGE, "root", "tbf", "rate", RATE, "burst", "256kb", "latency", "50ms"], check=True)


def wait_encoded(site):
    """A store that has had its releases for some seconds, as every but the newest has."""
    def is_done():
        with urllib.request.urlopen(f"http://127.0.0.1:{site.ports['metrics']}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return not any(line.startswith("muster_artifact_encodings_pending ") and line.split()[1] != "0" for line in lines)
    began = time.monotonic()
    site.wait_for("artifacts to be compressed", is_done, 600)
    return time.monotonic() - began


def processor_seconds(stat):
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def server_seconds(site):
    with open(f"/proc/{site.server_pid()}/stat", encoding="ascii") as stream:
        return processor_seconds(stream.read())


def cost_of(site, host):
    """(MB that it received, processor seconds of its agent)"""
    received = int(site.run(host, "cat", "/sys/class/net/host0/statistics/rx_bytes").stdout)
    pid = site.run(host, "systemctl", "show", "--property=MainPID", "--value", "muster-agent").stdout.strip()
    return received / 1e6, processor_seconds(site.run(host, "cat", f"/proc/{pid}/stat").stdout)


def run(site, folder, cluster):
    """(cluster create, power-on to Ready, phases by machine, cost by host, the server's processor seconds)"""
    shape()
    began_server = server_seconds(site)
    began = time.monotonic()
    site.muster("cluster", "create", cluster, "--template", "routed", "--masters", "1", "--nodes", "2", "--user-data-dir", folder)
    created = time.monotonic() - began
    machines = {name: (address, os.path.join(folder, f"{cluster}-{file}.yaml")) for name, (address, file) in MACHINES.items()}
    switched_on = switch_on(site, machines, os.path.join(folder, "trees"))
    site.wait_for("three machines to be converged", lambda: are_converged(site, cluster, len(MACHINES)), 180)
    ready = time.monotonic() - switched_on
    phases = phases_of(site, cluster)
    costs = {host: cost_of(site, host) for host in MACHINES}
    server = server_seconds(site) - began_server
    call(LAB, "down", *MACHINES)
    site.muster("cluster", "delete", cluster)
    return created, ready, phases, costs, server


def text_of(phases):
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases.items())


def report(runs):
    created, ready = (statistics.median(taken[i] for taken in runs) for i in (0, 1))
    print(f"cluster create {created:.2f} s; power-on to three Ready machines {ready:.1f} s "
          f"(medians of {RUNS}; {min(taken[1] for taken in runs):.1f}-{max(taken[1] for taken in runs):.1f}); goal {GOAL} s")
    for node, phases in runs[-1][2].items():
        own = collections.Counter({name: seconds for name, seconds in phases.items() if name not in WAITS})
        print(f"  {node}: Muster's own {sum(own.values()):.2f} s ({text_of(own)}); waits ({text_of(phases - own)})")
    for host in MACHINES:
        received, seconds = (statistics.median(taken[3][host][i] for taken in runs) for i in (0, 1))
        print(f"  {host} ({MACHINES[host][1]}): received {received:.0f} MB, agent {seconds:.1f} s of a core")
    print(f"  server: {statistics.median(taken[4] for taken in runs):.1f} s of a core; the line: {RATE or 'loopback'}")


def main():
    state = tempfile.mkdtemp(prefix="muster-bench-")
    call(LAB, "down")
    call(LAB, "image", "cloud")
    site = LocalCluster(os.path.join(state, "site"))
    call(LAB, "network")
    site.start_server()
    try:
        site.import_releases()
        import_agent(site, os.path.join(state, "agent"))
        set_template(site, "routed")
        print(f"artifacts were compressed {wait_encoded(site):.1f} s after the import")
        runs = []
        for number in range(RUNS):
            folder = os.path.join(state, f"run-{number}")
            os.makedirs(folder)
            runs.append(run(site, folder, f"bench-{number}"))
        report(runs)
    finally:
        site.down()
        shutil.rmtree(state, ignore_errors=True)


main()
