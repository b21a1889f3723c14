"""A backup of a site of 1 000 machines in 50 clusters: seconds, bytes, and what polls wait meanwhile; a restore of it: seconds
until the first document is served. The goal is the second line: a poll beside a backup against one beside nothing."""
import http.client
import json
import os
import shutil
import ssl
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster, call  # noqa: E402
from metadata_machine import Machine  # noqa: E402
from small_releases import import_small_releases  # noqa: E402

CLUSTERS, MACHINES, BACKUPS = 50, 20, 5
PORTS = {"boot": 29880, "enrol": 29881, "node": 29882, "metrics": 29883}
GOAL = 3  # p99 beside a backup by p99 beside nothing


def cluster_text(number):
    rows = [f"apiVersion: muster/v1\nkind: Cluster\nmetadata: {{name: c{number}}}\n"
            f"spec: {{kubernetesVersion: 1.36.3, podCidr: 10.{64 + number}.0.0/16, serviceCidr: 10.{128 + number}.0.0/16}}\n"]
    for machine in range(MACHINES):
        rows.append(f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: c{number}-{machine}}}\n"
                    f"spec: {{cluster: c{number}, role: {'node' if machine else 'master'}, address: 100.64.{number}.{machine + 1}}}\n")
    return "".join(rows)


class Polls(threading.Thread):
    """A machine that polls without a pause, over one kept connection."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.machine, self.took, self.refused, self.is_over = machine, [], 0, threading.Event()

    def run(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.machine.certificate, self.machine.key)
        connection = http.client.HTTPSConnection("127.0.0.1", PORTS["node"], timeout=30, context=context)
        while not self.is_over.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", "/v1/document")
                answer = connection.getresponse()
                answer.read()
                self.refused += answer.status != 200
            except (OSError, http.client.HTTPException):
                connection.close()
                continue  # its hundred requests are over
            self.took.append(time.monotonic() - began)

    def p99(self):
        took, self.took = sorted(self.took), []
        return took[int(len(took) * 0.99)] * 1000, len(took)


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    site = LocalCluster(os.path.join(folder, "site"), address="127.0.0.1", ports=PORTS)
    restored = LocalCluster(os.path.join(folder, "restored"), address="127.0.0.1", ports=PORTS)
    try:
        site.start_server()
        import_small_releases(site)
        inventory = os.path.join(site.state, "inventory")
        os.makedirs(inventory)
        for number in range(CLUSTERS):
            with open(os.path.join(inventory, f"c{number}.yaml"), "w", encoding="ascii") as out:
                out.write(cluster_text(number))
        site.muster("apply", inventory)
        token = json.loads(site.muster("token", "create", "--cluster", "c0", "--node", "c0-0", "--role", "master", "-o", "json").stdout)["token"]
        machine = Machine(os.path.join(folder, "machines"), "c0-0", ports=(PORTS["enrol"], PORTS["node"]))
        assert machine.enrol(token)[0] == 200
        key, file = os.path.join(folder, "recovery.key"), os.path.join(folder, "muster.backup")
        site.muster("backup", "key", "new", "--out", key)
        polls = Polls(machine)
        polls.start()
        time.sleep(3)
        quiet, count = polls.p99()
        began = time.monotonic()
        for _ in range(BACKUPS):
            site.muster("backup", file, "--force")
        seconds = (time.monotonic() - began) / BACKUPS
        beside, beside_count = polls.p99()
        polls.is_over.set()
        polls.join(30)
        database = os.path.getsize(os.path.join(site.state, "server", "state.sqlite"))
        size = os.path.getsize(file) / 1e6
        print(f"backup of {CLUSTERS * MACHINES} machines in {CLUSTERS} clusters: {seconds:.2f} s, {size:.1f} MB (database {database / 1e6:.1f} MB)")
        print(f"p99 of polls: {quiet:.2f} ms of {count} beside nothing, {beside:.2f} ms of {beside_count} beside backups, "
              f"ratio {beside / quiet:.2f} [{GOAL}], {polls.refused} refused")
        pin = site.site_pin()
        site.stop_server()
        settings = restored.write_settings()
        began = time.monotonic()
        call(restored.program("muster-server"), "--settings", settings, "restore", file, "--pin", pin, "--key", key)
        laid = time.monotonic() - began
        restored.start_server()
        started = time.monotonic() - began
        restored.muster("restore", "open", "c0", "--unheard")
        assert machine.ask("GET", "/v1/document")[0] == 200
        print(f"restore: laid down after {laid:.2f} s, serving after {started:.2f} s, the first document after {time.monotonic() - began:.2f} s")
    finally:
        site.stop_server()
        restored.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


main()
