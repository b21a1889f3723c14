"""Reboot to Ready of a converged node, with the agent and with the same files and units enabled but no agent, in
alternating pairs; a first boot of the same machine; then what an unchanged converge costs."""
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), HERE]
from boot import new_cluster, seconds_of  # noqa: E402
from local_cluster import LAB, call  # noqa: E402
from node_clock import NodeClock  # noqa: E402

PAIRS = 15
FIRST_BOOTS = 5
MACHINES = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21")}
WANTS = "/etc/systemd/system/multi-user.target.wants"


def boot_with(cluster, clock, agent, units):
    """Seconds from the power button to Ready."""
    links = " ".join(f"{WANTS}/{unit}" for unit in units)
    if agent:
        cluster.run("n1", "sh", "-c", f"rm -f {links}; ln -sf ../muster.target {WANTS}/muster.target")
    else:
        makes = "; ".join(f"ln -sf ../{unit} {WANTS}/{unit}" for unit in units)
        cluster.run("n1", "sh", "-c", f"rm -f {WANTS}/muster.target; {makes}")
    cluster.run("n1", "sync")
    before = clock.boot_id("n1")
    call(LAB, "power", "cut", "n1")
    began = time.monotonic()
    call(LAB, "power", "on", "n1")
    return clock.wait_ready("n1", before) - began


def first_boot(cluster, clock):
    """Seconds from the power button to Ready of a machine that was never on, under n1's name."""
    before = clock.boot_id("n1")
    call(LAB, "down", "n1")
    cluster.muster("node", "replace", "n1", "--cluster", "lab")
    tree = cluster.machine_tree("n1", cluster.token("node"))
    began = time.monotonic()
    call(LAB, "up", "n1", "--address", MACHINES["n1"][1], "--image", "ready", "--tree", tree)
    return clock.wait_ready("n1", before) - began


def converge_times(cluster, runs=21):
    script = f"for i in $(seq {runs}); do a=$(date +%s%N); muster-agent converge >/dev/null 2>&1 || exit 1; b=$(date +%s%N); echo $(((b - a) / 1000)); done"
    return [int(line) / 1000 for line in cluster.run("n1", "sh", "-c", script).stdout.split()]


def main():
    with new_cluster(MACHINES) as cluster:
        cluster.power_on(MACHINES)
        cluster.wait_converged(MACHINES)
        cluster.wait_duties()
        clock = NodeClock(cluster)
        checkpoint = json.loads(cluster.run("n1", "cat", "/var/lib/muster/checkpoint.json").stdout)
        units = sorted(checkpoint["units"])
        with_agent, without = [], []
        for _ in range(PAIRS):
            with_agent.append(boot_with(cluster, clock, True, units))
            without.append(boot_with(cluster, clock, False, units))
        a, b = statistics.median(with_agent), statistics.median(without)
        print(f"reboot to Ready, medians of {PAIRS} alternating pairs: with the agent {a:.2f} s ({min(with_agent):.2f}-{max(with_agent):.2f}), "
              f"without {b:.2f} s ({min(without):.2f}-{max(without):.2f}): ratio {a / b:.3f}; goal 1.05")
        first = []
        for _ in range(FIRST_BOOTS):
            first.append(first_boot(cluster, clock))
            cluster.wait_converged(["n1"])
        c = statistics.median(first)
        print(f"first boot to Ready, median of {FIRST_BOOTS}: {c:.2f} s ({min(first):.2f}-{max(first):.2f}), {c - b:.2f} s more than the reboot "
              "without the agent; goal 0.8 s")
        print("  the last one, by the agent's phases: " + ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in seconds_of(cluster.report("n1")["phases"]).items()))
        times = converge_times(cluster)
        print(f"unchanged converge: {statistics.median(times):.0f} ms (median of {len(times)}; {min(times):.0f}-{max(times):.0f}); goal 50 ms")


main()
