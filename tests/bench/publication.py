"""What publishing costs: 1 000 and 10 000 machines in one site, bans in a cluster of 3 000. Seconds on the wall as an
operator waits, and of the server's processor, which a busy machine distorts less."""
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster  # noqa: E402
from small_releases import import_small_releases  # noqa: E402

PER_FILE, BANS = 1000, 20
GOALS = {"first apply": 4, "a profile that all use": 4, "one machine added": 0.2, "diff of that profile": 2, "node list": 0.5}


def node(name, role, address, number):
    mac = ":".join(f"{byte:02x}" for byte in (0x02, 0x4d, *number.to_bytes(4, "big")))
    return (f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: {name}}}\n"
            f"spec: {{cluster: lab, role: {role}, address: {address}, profiles: [rack], match: {{mac: ['{mac}']}}}}\n")


class Site:
    def __init__(self, folder, machines, port, sites):
        self.server = LocalCluster(os.path.join(folder, f"site-{machines}"), address="127.0.0.1",
                                   ports={"boot": port, "enrol": port + 1, "node": port + 2, "metrics": port + 3})
        sites.append(self)
        self.server.start_server()
        import_small_releases(self.server)
        self.inventory = os.path.join(self.server.state, "inventory")
        os.makedirs(self.inventory)
        self.write("cluster.yaml", "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\n"
                   "spec: {kubernetesVersion: 1.36.3, podCidr: 10.0.0.0/10, podCidrPrefix: 26, serviceCidr: 10.96.0.0/16, nodeCidr: 10.128.0.0/16}\n"
                   + node("master", "master", "10.128.0.1", 0))
        self.set_profile(1)
        for first in range(1, machines, PER_FILE):  # a file may have 1 MiB
            self.write(f"nodes-{first:05}.yaml", "".join(
                self.worker(number) for number in range(first, min(first + PER_FILE, machines))))

    @staticmethod
    def worker(number):
        return node(f"n{number}", "node", f"10.128.{1 + number // 250}.{number % 250 + 1}", number)

    def write(self, file, text):
        with open(os.path.join(self.inventory, file), "w", encoding="ascii") as out:
            out.write(text)

    def set_profile(self, value):
        self.write("profile.yaml", "apiVersion: muster/v1\nkind: Profile\nmetadata: {name: rack}\n"
                   f"spec: {{kernel: {{sysctl: {{vm.max_map_count: '{value}'}}}}, kubelet: {{labels: {{rack: a}}}}}}\n")

    def processor(self):
        with open(f"/proc/{self.server.server_pid()}/stat", encoding="ascii") as stream:
            fields = stream.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)

    def resident(self):
        with open(f"/proc/{self.server.server_pid()}/status", encoding="ascii") as stream:
            return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS")) / 1024

    def measure(self, *command):
        """(seconds on the wall, of the server's processor)"""
        before, began = self.processor(), time.monotonic()
        self.server.muster(*command)
        return time.monotonic() - began, self.processor() - before


def operator_figures(site, machines):
    figures = {"first apply": site.measure("apply", site.inventory)}
    site.set_profile(2)
    figures["diff of that profile"] = site.measure("diff", site.inventory)
    figures["a profile that all use"] = site.measure("apply", site.inventory)
    site.write("one-more.yaml", site.worker(machines + 1))
    figures["one machine added"] = site.measure("apply", site.inventory)
    figures["node list"] = site.measure("node", "list")
    return figures


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    sites = []
    try:
        figures, resident = {}, {}
        for index, machines in enumerate((1000, 10000)):
            site = Site(folder, machines, 18580 + 10 * index, sites)
            figures[machines], resident[machines] = operator_figures(site, machines), site.resident()
        print(f"{'seconds: wall (server)':24} {'1 000':>15} {'10 000':>15} {'ratio':>6} {'goal':>5}")
        for name, (wall, work) in figures[10000].items():
            small, small_work = figures[1000][name]
            print(f"{name:24} {small:7.2f} ({small_work:5.2f}) {wall:7.2f} ({work:5.2f}) {wall / small:6.1f} {GOALS[name]:5}")
        print(f"{'resident, MiB':24} {resident[1000]:15.0f} {resident[10000]:15.0f} {resident[10000] / resident[1000]:6.1f} {256:5}")
        site = Site(folder, 3000, 18600, sites)
        site.measure("apply", site.inventory)
        costs = [site.measure("ban", f"n{number}", "--cluster", "lab") for number in range(1, BANS + 1)]
        wall, work = (sum(cost[i] for cost in costs) / BANS * 1000 for i in (0, 1))
        print(f"a ban among 3 000: {wall:.0f} ms, {work:.1f} ms of the server's processor [20]")
    finally:
        for site in sites:
            site.server.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
