"""Three nodes switched on at once: into a cluster of two, and into one whose inventory lists a thousand machines."""
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), HERE]
from boot import new_cluster  # noqa: E402
from node_clock import NodeClock  # noqa: E402

ROUNDS = 3
TWO = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21")}
THREE = {"n2": ("node", "10.77.0.22"), "n3": ("node", "10.77.0.23"), "n4": ("node", "10.77.0.24")}
SWITCHED_OFF = {f"far-{i}": ("node", f"10.77.{1 + i // 250}.{1 + i % 250}") for i in range(1000)}


def measure(listed):
    """Seconds until all three are Ready, in a new cluster each."""
    with new_cluster({**TWO, **THREE, **listed}) as cluster:
        cluster.power_on(TWO)
        cluster.wait_converged(TWO)
        cluster.wait_duties()
        clock = NodeClock(cluster)
        began = time.monotonic()
        cluster.power_on(THREE)
        return max(clock.wait_ready(name) for name in THREE) - began


def main():
    small, large = [], []
    for _ in range(ROUNDS):
        small.append(measure({}))
        large.append(measure(SWITCHED_OFF))
    a, b = statistics.median(small), statistics.median(large)
    print(f"three nodes at once, medians of {ROUNDS} alternating runs: inventory of 5 {a:.1f} s ({min(small):.1f}-{max(small):.1f}), "
          f"of 1005 {b:.1f} s ({min(large):.1f}-{max(large):.1f}): ratio {b / a:.2f}; goal 0.90-1.10")


main()
