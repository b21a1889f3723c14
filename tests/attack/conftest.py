"""A real server on loopback with a small inventory, for attacks that must fail."""
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(REPOSITORY, "scripts"), os.path.join(REPOSITORY, "tests")]

from local_cluster import LocalCluster  # noqa: E402
from metadata_machine import Machine  # noqa: E402
from sanitizers import sanitizer_reports  # noqa: E402
from small_releases import import_small_releases  # noqa: E402

CLUSTER = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec:
  kubernetesVersion: 1.36.3
  podCidr: 10.64.0.0/16
  serviceCidr: 10.96.0.0/16
"""


def mac(last):
    return f"02:4d:55:00:00:{last:02x}"


def node(name, role, last):
    return f"""---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: lab, role: {role}, address: 10.77.0.{last}, match: {{mac: ["{mac(last)}"]}}}}
"""


class Site(LocalCluster):
    """A server on loopback, its machines and its audit."""
    ADDRESS = "127.0.0.1"

    def __init__(self, state):
        super().__init__(state, address=self.ADDRESS, ports={"boot": 18080, "enrol": 18443, "node": 18444, "metrics": 19180})
        self.machines = os.path.join(state, "machines")

    def small_releases(self):
        import_small_releases(self)

    def machine(self, name, source=None):
        return Machine(self.machines, name, self.ADDRESS, (self.ports["enrol"], self.ports["node"]), source)

    def enrolled(self, name, role, last):
        machine = self.machine(name)
        if not os.path.exists(machine.certificate):
            status, answer = machine.enrol(self.token(role), mac(last))
            assert status == 200, answer
        return machine

    def audit(self):
        return json.loads(self.muster("audit", "--limit", "10000", "-o", "json").stdout)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("site")))
    site.start_server()
    site.small_releases()
    inventory = os.path.join(site.state, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "cluster.yaml"), "w", encoding="ascii") as out:
        out.write(CLUSTER + node("m1", "master", 11) + "".join(node(f"n{i}", "node", 20 + i) for i in range(1, 6)))
    site.muster("apply", inventory)
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


@pytest.fixture
def own_site(tmp_path):
    """Of a test alone: what waits there or is busy is no other test's."""
    site = Site(str(tmp_path / "site"))
    site.ports = {name: port + 200 for name, port in site.ports.items()}
    site.start_server()
    site.small_releases()
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "cluster.yaml").write_text(CLUSTER + node("m1", "master", 11) + node("n1", "node", 21))
    site.muster("apply", str(folder))
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []
