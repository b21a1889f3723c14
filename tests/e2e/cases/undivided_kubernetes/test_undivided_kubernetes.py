"""A store from before Kubernetes was two releases: it compiles, its machines run, and pass over to the two at their turn."""
import os
import shutil
import subprocess

import pytest

from local_cluster import CACHE, LAB, REPOSITORY, LocalCluster, call

pytestmark = pytest.mark.long

MACHINES = {"u1": ("master", "10.77.0.71"), "u2": ("node", "10.77.0.72")}
DIVIDED = ("kubernetes-node", "kubernetes-control-plane")
PENDING = {"u1": {"kubelet", "kube-proxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}, "u2": {"kubelet", "kube-proxy"}}
CLUSTER = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: VERSION, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16, profiles: [small]}
---
apiVersion: muster/v1
kind: Profile
metadata: {name: small}
spec: {kubelet: {reservedPolicy: none, evictionHard: {nodefs.available: 1Gi, imagefs.available: 1Gi}}}
"""


def newest(name):
    folder = os.path.join(CACHE, "releases", name)
    return os.path.join(folder, sorted(os.listdir(folder))[-1])


def write_inventory(folder, version):
    os.makedirs(folder)
    text = CLUSTER.replace("VERSION", version)
    for name, (role, address) in MACHINES.items():
        mac = "02:4d:55:00:00:%02x" % int(address.rsplit(".", 1)[1])
        text += f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: {name}}}\n" \
                f"spec: {{cluster: lab, role: {role}, address: {address}, match: {{mac: [\"{mac}\"]}}}}\n"
    with open(os.path.join(folder, "cluster.yaml"), "w", encoding="ascii") as out:
        out.write(text)


@pytest.fixture
def site(rack, tmp_path):
    """A server of its own, whose store has the one release alone."""
    site = LocalCluster(str(tmp_path / "site"), ports={"boot": 8180, "enrol": 8543, "node": 8544, "metrics": 9280})
    site.start_server()
    version = os.path.basename(newest("kubernetes-node"))
    whole = str(tmp_path / "kubernetes")
    os.makedirs(os.path.join(whole, "bin"))
    for name in DIVIDED:
        for program in os.listdir(os.path.join(newest(name), "bin")):
            shutil.copy2(os.path.join(newest(name), "bin", program), os.path.join(whole, "bin"))
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "kubernetes", version, whole], check=True)
    site.muster("release", "import", whole)
    for name in sorted(os.listdir(os.path.join(CACHE, "releases"))):
        if not name.startswith("kubernetes"):
            site.muster("release", "import", newest(name))
    write_inventory(os.path.join(site.state, "inventory"), version)
    yield site
    call(LAB, "down", *MACHINES)
    site.stop_server()


def link(site, host, name):
    return site.run(host, "readlink", f"/opt/muster/current/{name}").stdout.strip()


def generations(site):
    return {name: site.report(name)["generation"] for name in MACHINES}


def test_machines_of_an_older_store_run_and_pass_over(site):
    version = os.path.basename(newest("kubernetes-node"))
    inventory = os.path.join(site.state, "inventory")
    site.muster("apply", inventory)
    site.power_on(MACHINES)
    site.wait_converged(MACHINES)
    for name in DIVIDED:
        assert link(site, "u1", name) == f"../releases/kubernetes/{version}"
    before = generations(site)
    site.muster("apply", inventory)
    for host in MACHINES:
        site.run(host, "muster-agent", "converge")
    assert generations(site) == before, "an unchanged inventory gave other documents"

    for name in DIVIDED:
        site.muster("release", "import", newest(name))
    site.muster("apply", inventory)
    assert generations(site) == before, "an import moved the cluster"
    site.muster("apply", inventory, "--upgrade", "kubernetes-node")
    pending = {}
    for host in MACHINES:
        site.wait_for(f"{host} to hear of its new document", lambda host=host: site.report(host)["generation"] > before[host], 60)
        pending[host] = {row.split(".service: restart: ")[0] for row in site.report(host)["pending"]}
        assert link(site, host, "kubernetes-node") == f"../releases/kubernetes/{version}", "a crash would have taken up the new one"
    assert pending == PENDING

    for host in MACHINES:
        call(LAB, "power", "cycle", host)
        site.wait_for(f"{host} to pass over", lambda host=host: link(site, host, "kubernetes-node") == f"../releases/kubernetes-node/{version}", 60)
    site.wait_converged(MACHINES)
    assert link(site, "u1", "kubernetes-control-plane") == f"../releases/kubernetes-control-plane/{version}"
