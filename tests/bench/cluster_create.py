"""Clusters on demand, made and deleted: how long one takes among few and among many, and what is left behind."""
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster  # noqa: E402
from small_releases import import_small_releases  # noqa: E402
from small_template import set_small_template  # noqa: E402

KEPT, CYCLES, SAMPLE = 200, 200, 20


def create(site, name):
    began = time.monotonic()
    site.muster("cluster", "create", name, "--template", "small", "--masters", "3", "--nodes", "5", "-o", "json")
    return time.monotonic() - began


def held_by(site):
    """(resident KiB, open files, KiB of database) of the server."""
    pid = site.server_pid()
    with open(f"/proc/{pid}/status", encoding="ascii") as stream:
        resident = next(int(line.split()[1]) for line in stream if line.startswith("VmRSS"))
    disk = sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk(site.state) for file in files)
    return resident, len(os.listdir(f"/proc/{pid}/fd")), disk // 1024


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    site = LocalCluster(os.path.join(folder, "site"), address="127.0.0.1",
                        ports={"boot": 18580, "enrol": 18581, "node": 18582, "metrics": 18583})
    site.start_server()
    try:
        import_small_releases(site)
        set_small_template(site)
        took = [create(site, f"kept-{i}") for i in range(KEPT)]
        few, many = statistics.median(took[:SAMPLE]), statistics.median(took[-SAMPLE:])
        print(f"cluster create, medians of {SAMPLE}: the first {few:.3f} s, with {KEPT} there {many:.3f} s: ratio {many / few:.2f}")
        before = held_by(site)
        for i in range(CYCLES):
            create(site, "cycle")
            site.muster("cluster", "delete", "cycle")
        after = held_by(site)
        print(f"{CYCLES} cycles of create and delete: resident {before[0]} -> {after[0]} KiB, open files {before[1]} -> {after[1]}, "
              f"on disk {before[2]} -> {after[2]} KiB (the audit grows)")
    finally:
        site.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


main()
