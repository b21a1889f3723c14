"""A cluster on demand, three machines of stock Debian under their own cloud-init: from the one command to Ready, by
phase, and how much of it is Muster's own."""
import collections
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..", "e2e")]
from boot import WAITS, seconds_of  # noqa: E402
from local_cluster import LAB, LocalCluster, call  # noqa: E402
from on_demand import are_converged, import_agent, set_template, switch_on, verdicts  # noqa: E402

RUNS = 3
MACHINES = {"c1": ("10.77.0.66", "master-1"), "c2": ("10.77.0.82", "nodes"), "c3": ("10.77.0.83", "nodes")}
GOAL = 60


def phases_of(site, cluster):
    return {node: seconds_of(site.report(node, cluster)["phases"]) for node in verdicts(site, cluster)}


def run(site, folder, cluster):
    """(cluster create, power-on to Ready, phases by machine), in seconds."""
    began = time.monotonic()
    site.muster("cluster", "create", cluster, "--template", "routed", "--masters", "1", "--nodes", "2", "--user-data-dir", folder)
    created = time.monotonic() - began
    machines = {name: (address, os.path.join(folder, f"{cluster}-{file}.yaml")) for name, (address, file) in MACHINES.items()}
    switched_on = switch_on(site, machines, os.path.join(folder, "trees"))
    site.wait_for("three machines to be converged", lambda: are_converged(site, cluster, len(MACHINES)), 180)
    ready = time.monotonic() - switched_on
    phases = phases_of(site, cluster)
    call(LAB, "down", *MACHINES)
    site.muster("cluster", "delete", cluster)
    return created, ready, phases


def text_of(phases):
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases.items())


def report(runs):
    created, ready = (statistics.median(taken[i] for taken in runs) for i in (0, 1))
    print(f"cluster create {created:.2f} s; power-on to three Ready machines {ready:.1f} s "
          f"(medians of {RUNS}; {min(taken[1] for taken in runs):.1f}-{max(taken[1] for taken in runs):.1f}); goal {GOAL} s")
    for node, phases in runs[-1][2].items():
        own = collections.Counter({name: seconds for name, seconds in phases.items() if name not in WAITS})
        print(f"  {node}: Muster's own {sum(own.values()):.2f} s ({text_of(own)}); waits ({text_of(phases - own)})")


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
