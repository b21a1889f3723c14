"""What a disturbed machine says of itself, and the waits until it is well again."""
import json
import time

# The longest pause between two looks of a machine, and what a look may take.
ONE_POLL = 60 + 10


def show(cluster, name):
    return json.loads(cluster.muster("node", "show", name, "--cluster", "lab", "-o", "json").stdout)


def subjects(cluster, name):
    return [problem["subject"] for problem in cluster.report(name).get("unwell", [])]


def is_well(cluster, name):
    report = cluster.report(name)
    return report["verdict"] == "converged" and report.get("configuration") == "settled" and not report.get("unwell")


def await_well(cluster, name, seconds=2 * ONE_POLL):
    began = time.monotonic()
    cluster.wait_for(f"{name} to say that it is well", lambda: is_well(cluster, name), seconds, pause=0.5)
    print(f"{name}: says that it is well after {time.monotonic() - began:.0f} s")


def count_starts(cluster, name, unit):
    """How often systemd began to start the unit in this boot, whoever asked for it."""
    starting = "MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5"  # systemd's own, of "Starting ..."
    return len(cluster.run(name, "journalctl", "-b", "-q", "-o", "cat", "_PID=1", f"UNIT={unit}", starting).stdout.splitlines())


def count_lines(cluster, name):
    return len(cluster.journal(name).splitlines())
