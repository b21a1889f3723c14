"""Real clusters of test hosts. One cluster is shared by all cases; a case leaves it converged."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(REPOSITORY, "scripts"), os.path.join(REPOSITORY, "tests")]

from local_cluster import LocalCluster, call, LAB  # noqa: E402

INVENTORY = os.path.join(REPOSITORY, "scripts", "quickstart.inventory", "cluster.yaml")
ARGUMENTS = "componentArguments: {kube-apiserver: {enable-admission-plugins: DenyServiceExternalIPs}}"
MACHINES = {"m1": ("master", "10.77.0.11"), "m2": ("follower", "10.77.0.12"), "m3": ("follower", "10.77.0.13"),
            "n1": ("node", "10.77.0.21")}


class Rack(LocalCluster):
    """The local cluster with what the cases ask of it."""

    def __init__(self, state):
        super().__init__(state)
        self.inventory = os.path.join(state, "inventory")
        os.makedirs(self.inventory, exist_ok=True)
        with open(INVENTORY, encoding="utf-8") as stream:
            text = stream.read()
        assert "podNetwork: routed\n" in text
        # A list of the operator's own, to which Muster's NodeRestriction is added.
        self.add_to_inventory("cluster", text.replace("podNetwork: routed\n", f"podNetwork: routed\n  {ARGUMENTS}\n"))

    def add_to_inventory(self, name, text):
        with open(os.path.join(self.inventory, f"{name}.yaml"), "w", encoding="utf-8") as out:
            out.write(text)

    def add_node(self, name, address, role="node", extra="", mac=None):
        mac = mac or "02:4d:55:00:00:%02x" % int(address.rsplit(".", 1)[1])
        self.add_to_inventory(name, f"""apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec:
  cluster: lab
  role: {role}
  address: {address}
  match: {{mac: ["{mac}"]}}
{extra}""")

    def remove_node(self, name):
        """Out of the inventory, the rack and the cluster."""
        os.remove(os.path.join(self.inventory, f"{name}.yaml"))
        self.apply("--remove")
        call(LAB, "down", name)
        self.kubectl("delete", "node", name, "--ignore-not-found")

    def apply(self, *options, check=True):
        return self.muster("apply", self.inventory, *options, check=check)

    def put_file(self, host, source, path):
        with open(source, "rb") as stream:
            subprocess.run([LAB, "run", host, "--", "sh", "-c", f"cat >{path}"], stdin=stream, check=True)

    def run_pod(self, node, name="walker"):
        """A running pod on the node, past the scheduler."""
        container = {"name": "echo", "image": "localhost/muster-echo:1", "imagePullPolicy": "Never"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"nodeName": node, "containers": [container]}}
        self.kubectl("apply", "-f", "-", text_input=json.dumps(pod))
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    def journal(self, host, unit="muster-agent"):
        return self.run(host, "journalctl", "-u", unit, "-b", "--no-pager", "-o", "cat").stdout

    @contextlib.contextmanager
    def changed_inventory(self, old, new):
        """The cluster's inventory with `old` replaced by `new`, published; the way back is published too."""
        path = os.path.join(self.inventory, os.path.basename(INVENTORY))
        with open(path, encoding="utf-8") as stream:
            before = stream.read()
        assert old in before, old

        def publish(text):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            self.apply()
        publish(before.replace(old, new))
        try:
            yield
        finally:
            publish(before)

    def converge(self, host, *options, check=True):
        return self.run(host, "muster-agent", "converge", *options, check=check, timeout=120)

    def boot_id(self, host):
        return self.run(host, "cat", "/proc/sys/kernel/random/boot_id").stdout.strip()

    def ready_nodes(self):
        out = self.kubectl("get", "nodes", "--no-headers").stdout
        return {line.split()[0] for line in out.splitlines() if line.split()[1] == "Ready"}


@pytest.fixture(scope="session")
def rack():
    if os.geteuid() != 0:
        pytest.skip("needs root: test hosts are containers")
    call(LAB, "down")
    state = tempfile.mkdtemp(prefix="muster-e2e-")
    rack = Rack(os.path.join(state, "cluster"))
    os.makedirs(rack.state, exist_ok=True)
    call(LAB, "network")
    rack.start_server()
    rack.import_releases()
    yield rack
    rack.down()
    shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(rack):
    """Three masters and a node, converged."""
    rack.apply()
    rack.power_on(MACHINES)
    rack.wait_converged(MACHINES)
    rack.wait_duties()
    return rack


def look_of(cluster):
    """What is unusual in the cluster, in few lines."""
    def lines(*arguments, keep=lambda line: True):
        said = cluster.kubectl(*arguments, "--request-timeout=5s", check=False)
        return [line for line in (said.stdout or said.stderr).splitlines() if keep(line)]
    return [*lines("get", "nodes", "-o", "wide", "--no-headers"),
            *lines("get", "nodes", "-o", 'jsonpath={range .items[?(@.spec.taints)]}{.metadata.name} {.spec.taints}{"\\n"}{end}'),
            *lines("get", "pods", "-A", "-o", "wide", "--no-headers", keep=lambda line: " Running " not in line),
            *lines("get", "leases", "-n", "kube-system", "--no-headers"),
            *lines("get", "events", "-A", "--field-selector=type=Warning", "--sort-by=.lastTimestamp", "--no-headers")[-8:],
            *cluster.muster("status", check=False).stdout.splitlines()]


LOOKS = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    looked_at = item.funcargs.get("cluster")
    if report.failed and looked_at is not None:
        LOOKS.append((item.name, [line[:200] for line in look_of(looked_at)[:40]]))


def pytest_terminal_summary(terminalreporter):
    """At the end, which is what is seen of a long output."""
    for name, lines in LOOKS[:3]:
        terminalreporter.section(f"the cluster after {name}")
        for line in lines:
            terminalreporter.write_line(line)
