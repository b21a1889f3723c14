"""What publishing costs: 1 000 and 10 000 machines in one site; bans, admissions and expiries in a cluster of 3 000;
what the machines fetch when one joins. Seconds on the wall as an operator waits, and of the server's processor, which a
busy machine distorts less."""
import contextlib
import glob
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster  # noqa: E402
from metadata_machine import Machine  # noqa: E402
from small_releases import import_small_releases  # noqa: E402
from waiting import wait_for  # noqa: E402

PER_FILE, BANS = 1000, 20
ADMISSIONS, TOGETHER = 5, 60  # members of a pool: that come alone, that go together
GOALS = {"first apply": 4, "a profile that all use": 4, "one machine added": 0.2, "diff of that profile": 2, "node list": 0.5}


def node(name, role, address, number):
    mac = ":".join(f"{byte:02x}" for byte in (0x02, 0x4d, *number.to_bytes(4, "big")))
    return (f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: {name}}}\n"
            f"spec: {{cluster: lab, role: {role}, address: {address}, profiles: [rack], match: {{mac: ['{mac}']}}}}\n")


POOL = """---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: lab, role: node, namePattern: "ci-{index}", maximum: 100, ttl: 1h, addressRanges: [127.0.0.0/16], proofs: [token]}
"""


class Site:
    def __init__(self, folder, machines, port, sites, pool=""):
        self.server = LocalCluster(os.path.join(folder, f"site-{machines}"), address="127.0.0.1",
                                   ports={"boot": port, "enrol": port + 1, "node": port + 2, "metrics": port + 3})
        sites.append(self)
        self.server.start_server()
        import_small_releases(self.server)
        self.inventory = os.path.join(self.server.state, "inventory")
        os.makedirs(self.inventory)
        self.write("cluster.yaml", "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\n"
                   "spec: {kubernetesVersion: 1.36.3, podCidr: 10.0.0.0/10, podCidrPrefix: 26, serviceCidr: 10.96.0.0/16, nodeCidr: 64.0.0.0/2}\n"
                   + node("master", "master", "100.64.0.1", 0) + pool)
        self.set_profile(1)
        for first in range(1, machines, PER_FILE):  # a file may have 1 MiB
            self.write(f"nodes-{first:05}.yaml", "".join(
                self.worker(number) for number in range(first, min(first + PER_FILE, machines))))

    @staticmethod
    def worker(number):
        return node(f"n{number}", "node", f"100.64.{1 + number // 250}.{number % 250 + 1}", number)

    def write(self, file, text):
        with open(os.path.join(self.inventory, file), "w", encoding="ascii") as out:
            out.write(text)

    def set_profile(self, value):
        self.write("profile.yaml", "apiVersion: muster/v1\nkind: Profile\nmetadata: {name: rack}\n"
                   f"spec: {{kernel: {{sysctl: {{vm.max_map_count: '{value}'}}}}, kubelet: {{labels: {{rack: a}}}}}}\n")

    def processor(self):
        """To the nanosecond: in ticks of 10 ms, what an expiry costs is no more than the rest at idle times."""
        total = 0
        for path in glob.glob(f"/proc/{self.server.server_pid()}/task/*/schedstat"):  # its first number: sched-stats.rst
            with open(path, encoding="ascii") as stream:
                total += int(stream.read().split()[0])
        return total / 1e9

    def resident(self):
        with open(f"/proc/{self.server.server_pid()}/status", encoding="ascii") as stream:
            return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS")) / 1024

    def measure(self, *command):
        """(seconds on the wall, of the server's processor)"""
        before, began = self.processor(), time.monotonic()
        self.server.muster(*command)
        return time.monotonic() - began, self.processor() - before

    def token(self, *whose):
        made = self.server.muster("token", "create", "--cluster", "lab", *whose, "-o", "json")
        return json.loads(made.stdout)["token"]

    def machine(self, name, source=None):
        ports = self.server.ports
        return Machine(os.path.join(self.server.state, "machines"), name, ports=(ports["enrol"], ports["node"]), source=source)

    def newest(self):
        """(its number, its machines) of what is published"""
        rows = json.loads(self.server.muster("revision", "list", "--cluster", "lab", "-o", "json").stdout)["revisions"]
        return rows[0]["number"], rows[0]["machines"]

    def database(self):
        return os.path.join(self.server.state, "server", "state.sqlite")

    def end_at(self, times):
        """{member: when it shall end}: written into the store of a server that stands, since a ttl has twelve minutes
        at least."""
        with contextlib.closing(sqlite3.connect(self.database())) as store, store:
            for name, at in times.items():
                key = f"lab/{name}"
                (text,) = store.execute("SELECT value FROM records WHERE kind = 'member' AND key = ?", (key,)).fetchone()
                member = json.loads(text)
                store.execute("UPDATE records SET key = ? WHERE kind = 'schedule' AND key = ?",
                              (f"{at:012}/member/{key}", f"{member['endsAt']:012}/member/{key}"))
                member["endsAt"] = at
                text = json.dumps(member, sort_keys=True, separators=(",", ":")).encode()
                store.execute("UPDATE records SET value = ? WHERE kind = 'member' AND key = ?", (text, key))


def operator_figures(site, machines):
    figures = {"first apply": site.measure("apply", site.inventory)}
    site.set_profile(2)
    figures["diff of that profile"] = site.measure("diff", site.inventory)
    figures["a profile that all use"] = site.measure("apply", site.inventory)
    site.write("one-more.yaml", site.worker(machines + 1))
    figures["one machine added"] = site.measure("apply", site.inventory)
    figures["node list"] = site.measure("node", "list")
    return figures


def admissions(site):
    """Seconds of the server's processor for one admission, of its answer alone."""
    token, costs = site.token("--pool", "ci", "--count", str(ADMISSIONS + TOGETHER)), []
    for number in range(ADMISSIONS + TOGETHER):
        machine = site.machine(f"pool-{number}", f"127.0.1.{number + 1}")
        body = machine.enrol_body(token)
        before = site.processor()
        status, answer = machine.request(machine.enrol_port, "POST", "/v1/enrol", body)
        assert status == 200, answer
        costs.append(site.processor() - before)
    return sum(costs) / len(costs)


def expiries(site):
    """(processor seconds of one expiry, publications and seconds of those that go together)"""
    names = [f"ci-{index}" for index in range(1, ADMISSIONS + TOGETHER + 1)]
    _, machines = site.newest()
    site.server.stop_server()
    alone = int(time.time()) + 30
    together = alone + 5 * ADMISSIONS + 5
    site.end_at({name: alone + 5 * index if index < ADMISSIONS else together for index, name in enumerate(names)})
    site.server.start_server()
    # The first publication of a server that has just started compiles every machine.
    site.server.muster("ban", "n2000", "--cluster", "lab")
    at_rest = idle(site)
    first, work = wait_until(alone - 1), site.processor()
    wait_until(together - 1)
    one = (site.processor() - work - at_rest * (time.time() - first)) / ADMISSIONS
    before, there = site.newest()
    assert there == machines - ADMISSIONS, (there, machines)
    wait_until(together)
    wait_for("the members to be gone", lambda: site.newest()[1] == there - TOGETHER, 120, pause=0.1)
    seconds = time.time() - together
    return one, site.newest()[0] - before, seconds


def wait_until(moment):
    time.sleep(max(0.0, moment - time.time()))
    return time.time()


def idle(site):
    """Of the server's processor a second while nothing happens."""
    before = site.processor()
    time.sleep(10)
    return (site.processor() - before) / 10


def fetched_by_one(site, machines):
    """Bytes that a node fetches when another one joins: what changed of its document and its peer list."""
    machine = site.machine("n1")
    status, answer = machine.enrol(site.token("--role", "node"), "02:4d:00:00:00:01")
    assert status == 200, answer

    def look():
        return {path: json.dumps(machine.ask("GET", path)[1], separators=(",", ":")) for path in ("/v1/document", "/v1/peers")}
    before = look()
    site.write("joins.yaml", site.worker(machines + 2))
    site.measure("apply", site.inventory)
    return sum(len(text) for path, text in look().items() if text != before[path])


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    sites = []
    try:
        figures, resident = {}, {}
        for index, machines in enumerate((1000, 10000)):
            site = Site(folder, machines, 18580 + 10 * index, sites)
            figures[machines], resident[machines] = operator_figures(site, machines), site.resident()
            if machines == 1000:
                fetched = fetched_by_one(site, machines)
        print(f"{'seconds: wall (server)':24} {'1 000':>15} {'10 000':>15} {'ratio':>6} {'goal':>5}")
        for name, (wall, work) in figures[10000].items():
            small, small_work = figures[1000][name]
            print(f"{name:24} {small:7.2f} ({small_work:5.2f}) {wall:7.2f} ({work:5.2f}) {wall / small:6.1f} {GOALS[name]:5}")
        print(f"{'resident, MiB':24} {resident[1000]:15.0f} {resident[10000]:15.0f} {resident[10000] / resident[1000]:6.1f} {256:5}")
        print(f"one joins 1 000: {fetched * 1000 / 1e6:.0f} MB fetched by all, a thousand times what one of them did")
        site = Site(folder, 3000, 18600, sites, POOL)
        site.measure("apply", site.inventory)
        costs = [site.measure("ban", f"n{number}", "--cluster", "lab") for number in range(1, BANS + 1)]
        wall, work = (sum(cost[i] for cost in costs) / BANS * 1000 for i in (0, 1))
        print(f"a ban among 3 000: {wall:.0f} ms, {work:.1f} ms of the server's processor [20]")
        print(f"an admission: {admissions(site) * 1000:.1f} ms of the server's processor [20]")
        one, publications, seconds = expiries(site)
        print(f"an expiry: {one * 1000:.1f} ms of the server's processor [20]")
        print(f"{TOGETHER} members that expire together: {publications} publications, {seconds:.1f} s")
    finally:
        for site in sites:
            site.server.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
