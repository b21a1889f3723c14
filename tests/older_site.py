"""A small site on loopback, as a version of Muster left it (tests/fixtures) or as it is made now."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "integration"))

from cloud_machine import run  # noqa: E402
from local_cluster import LocalCluster  # noqa: E402
from small_releases import import_small_releases  # noqa: E402

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
# The trust list has them: what was kept is found where it was.
PORTS = {"boot": 18780, "enrol": 18743, "node": 18744, "metrics": 18790}
ROLES = {"m1": "master", "n1": "node"}
INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Profile
metadata: {name: all}
spec:
  kernel: {sysctl: {net.core.somaxconn: "1024"}}
  kubelet: {maxPods: 120, labels: {rack: r1}}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: lab, role: master, address: 10.77.0.11, profiles: [all]}
---
apiVersion: muster/v1
kind: Node
metadata: {name: n1}
spec: {cluster: lab, role: node, address: 10.77.0.21, profiles: [all]}
"""


class OlderSite(LocalCluster):
    def __init__(self, state, *build):
        super().__init__(state, *build, address="127.0.0.1", ports=PORTS)
        self.inventory = os.path.join(state, "inventory")

    @classmethod
    def of(cls, version, folder):
        """Its database, inventory, machine and agent; today's programs go on with them."""
        subprocess.run(["tar", "-C", str(folder), "-xf", os.path.join(FIXTURES, version, "kept.tar.xz")], check=True)
        return cls(str(folder))

    def publish(self):
        self.start_server()
        import_small_releases(self)
        os.makedirs(self.inventory)
        with open(os.path.join(self.inventory, "lab.yaml"), "w", encoding="ascii") as out:
            out.write(INVENTORY)
        self.muster("apply", self.inventory)

    def token_of(self, name):
        made = self.muster("token", "create", "--cluster", "lab", "--node", name, "--role", ROLES[name], "-o", "json")
        return json.loads(made.stdout)["token"]

    def run_agent(self, agent, verb, name):
        """{"rc", "out", "err"}: on the machine of that name, whose state stays."""
        state = os.path.join(self.state, name)
        os.makedirs(state, exist_ok=True)
        settings = {"sitePin": self.site_pin(), "enrolServers": [f"https://127.0.0.1:{PORTS['enrol']}"], "token": self.token_of(name)}
        return run(agent, verb, name=name, state=state, files={"/etc/muster/agent.json": json.dumps(settings)})

    def kept(self, name, path):
        """A file of the machine's state."""
        with open(os.path.join(self.state, name, "muster", path), encoding="utf-8") as stream:
            return json.load(stream)
