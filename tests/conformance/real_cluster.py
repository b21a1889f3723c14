"""A real cluster for judges from outside: a server, and test hosts that it brings to Ready."""
import contextlib
import os
import shutil
import sys
import tempfile

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "scripts"))

from local_cluster import LAB, LocalCluster, call  # noqa: E402

VERSION = "1.36.3"
SITE = f"""apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec: {{kubernetesVersion: {VERSION}, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16, profiles: [small]}}
---
apiVersion: muster/v1
kind: Profile
metadata: {{name: small}}
spec: {{kubelet: {{reservedPolicy: none, evictionHard: {{nodefs.available: 1Gi, imagefs.available: 1Gi}}}}}}
"""
NODE = """---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: lab, role: {role}, address: {address}, match: {{mac: ["02:4d:55:00:00:{last:02x}"]}}}}
"""


@contextlib.contextmanager
def real_cluster(machines):
    """machines: {name: (role, address)}, all of them converged, with the addons; `inventory` is its folder."""
    if os.geteuid() != 0:
        pytest.skip("needs root: test hosts are containers")
    call(LAB, "down")
    state = tempfile.mkdtemp(prefix="muster-conformance-")
    local = LocalCluster(os.path.join(state, "cluster"))
    os.makedirs(local.state, exist_ok=True)
    call(LAB, "network")
    local.start_server()
    try:
        local.import_releases()
        local.inventory = os.path.join(state, "inventory")
        os.makedirs(local.inventory)
        with open(os.path.join(local.inventory, "cluster.yaml"), "w", encoding="utf-8") as out:
            out.write(SITE + "".join(NODE.format(name=name, role=role, address=address, last=int(address.rsplit(".", 1)[1]))
                                     for name, (role, address) in machines.items()))
        local.muster("apply", local.inventory)
        local.power_on(machines)
        local.wait_converged(machines)
        local.wait_duties()
        yield local
    finally:
        local.down()
        shutil.rmtree(state, ignore_errors=True)
