"""Power-on to Ready with the releases on the hosts' image: one host, then five at once, by phase."""
import collections
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts")]
from local_cluster import LAB, LocalCluster, call  # noqa: E402

RUNS = 3
ONE = {"m1": ("master", "10.77.0.11")}
FIVE = {**ONE, "m2": ("follower", "10.77.0.12"), "m3": ("follower", "10.77.0.13"), "n1": ("node", "10.77.0.21"), "n2": ("node", "10.77.0.22")}
# Before the agent, and phases in which it waits for others: an address, its turn, daemons that start, kubelet's first
# status.
WAITS = {"firmware", "loader", "kernel", "initrd", "userspace", "network", "etcd-turn", "etcd-member", "containerd", "images", "units", "node-ready"}
# Of the rest, the one that grows with what the image carries.
HASHING = "releases"


def inventory(folder, machines):
    os.makedirs(folder)
    text = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, nodeCidr: 10.77.0.0/16, podCidr: 172.16.0.0/12, serviceCidr: 10.96.0.0/16, profiles: [small]}
---
apiVersion: muster/v1
kind: Profile
metadata: {name: small}
spec: {kubelet: {reservedPolicy: none, evictionHard: {nodefs.available: 1Gi, imagefs.available: 1Gi}}}
"""
    for name, (role, address) in machines.items():
        third, fourth = (int(part) for part in address.split(".")[2:])
        mac = f"02:4d:55:00:{third:02x}:{fourth:02x}"
        text += f"""---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: lab, role: {role}, address: {address}, match: {{mac: ["{mac}"]}}}}
"""
    with open(os.path.join(folder, "cluster.yaml"), "w", encoding="ascii") as out:
        out.write(text)


@contextlib.contextmanager
def new_cluster(machines):
    """A server with every release and an inventory of these machines, none of them switched on; gone afterwards."""
    state = tempfile.mkdtemp(prefix="muster-bench-")
    call(LAB, "down")
    cluster = LocalCluster(os.path.join(state, "site"))
    call(LAB, "network")
    cluster.start_server()
    try:
        cluster.import_releases()
        inventory(os.path.join(state, "inventory"), machines)
        cluster.muster("apply", os.path.join(state, "inventory"))
        yield cluster
    finally:
        cluster.down()
        shutil.rmtree(state, ignore_errors=True)


def run(machines):
    with new_cluster(machines) as cluster:
        began = time.monotonic()
        cluster.power_on(machines)
        cluster.wait_converged(machines)
        seconds = time.monotonic() - began
        return seconds, {name: cluster.report(name)["phases"] for name in machines}


def seconds_of(phases):
    """By phase; containerd is started before the other units, in a phase of the same name."""
    seconds = collections.Counter()
    for phase in phases:
        if phase.get("endUs"):
            seconds[phase["name"]] += (phase["endUs"] - phase["startUs"]) / 1e6
    return seconds


def own_time(runs):
    """Medians over the runs of the one host: (the agent's own seconds, those of hashing carried releases)."""
    taken = [seconds_of(run[1]["m1"]) for run in runs]
    own = [sum(s for name, s in phases.items() if name not in WAITS and name != HASHING) for phases in taken]
    return statistics.median(own), statistics.median(phases.get(HASHING, 0) for phases in taken)


def main():
    for label, machines, goal in (("one host", ONE, 8), ("five hosts, all at once", FIVE, 20)):
        runs = [run(machines) for _ in range(RUNS)]
        seconds = [r[0] for r in runs]
        print(f"{label}: power-on to all Ready {statistics.median(seconds):.1f} s (median of {RUNS}; {min(seconds):.1f}-{max(seconds):.1f}); goal {goal} s")
        for name, phases in runs[-1][1].items():
            print(f"  {name}: " + ", ".join(f"{phase} {taken:.2f}" for phase, taken in seconds_of(phases).items()))
        if machines is ONE:
            own, hashing = own_time(runs)
            print(f"first converge's own time {own:.2f} s (goal 0.30), and {hashing:.2f} s of hashing the releases that the image carries")


if __name__ == "__main__":
    main()
