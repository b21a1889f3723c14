"""podNetwork none: flannel, a real addon, brings the pods' network, and its plugin brings itself to each machine."""
import json
import os
import shutil
import subprocess

import pytest
from local_cluster import CACHE, LAB, REPOSITORY, call
from on_demand import TEMPLATES, Kubectl, are_converged, set_template, switch_on

pytestmark = pytest.mark.long

MACHINES = {"f1": "10.77.0.130", "f2": "10.77.0.131"}


@pytest.fixture(scope="module")
def flannel(rack, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("flannel"))
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components"), "flannel"], check=True)
    release = os.path.join(CACHE, "releases", "flannel")
    for version in os.listdir(release):
        rack.muster("release", "import", os.path.join(release, version))
    # The example, and the pod that the test walks with.
    template = shutil.copytree(os.path.join(TEMPLATES, "flannel"), os.path.join(folder, "template"))
    path = os.path.join(template, "cluster.yaml")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace("releases: {", "releases: {test-echo: 1.0.0, "))
    set_template(rack, "flannel", template)
    rack.muster("cluster", "create", "mesh", "--template", "flannel", "--nodes", "1", "--ttl", "1h", "--user-data-dir", folder)
    yield folder
    rack.muster("cluster", "delete", "mesh")
    call(LAB, "down", *MACHINES)


def pod(name, node):
    container = {"name": "echo", "image": "localhost/muster-echo:1", "imagePullPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "containers": [container]}}


def test_pods_reach_each_other_through_flannel(rack, flannel):
    user_data = dict(zip(MACHINES, ("mesh-master-1.yaml", "mesh-nodes.yaml")))
    switch_on(rack, {name: (MACHINES[name], os.path.join(flannel, user_data[name])) for name in MACHINES})
    rack.wait_for("both machines to be converged", lambda: are_converged(rack, "mesh", 2), 180)
    kubectl = Kubectl(rack, "mesh", flannel)
    rack.wait_for("two Ready nodes", lambda: kubectl.ready_nodes() == {"m-1", "w-1"}, 60)

    for name, node in (("walker-1", "m-1"), ("walker-2", "w-1")):
        kubectl("apply", "-f", "-", text_input=json.dumps(pod(name, node)))
    ready = kubectl("wait", "--for=condition=Ready", "pod/walker-1", "pod/walker-2", "--timeout=60s", check=False)
    assert ready.returncode == 0, kubectl("describe", "pods", check=False).stdout
    address = json.loads(kubectl("get", "pod", "walker-2", "-o", "json").stdout)["status"]["podIP"]
    assert kubectl("exec", "walker-1", "--", "/echo", "get", f"http://{address}:8080/").stdout.strip() == "walker-2"
    # With the pod's own address, not with that of its machine.
    asker = json.loads(kubectl("get", "pod", "walker-1", "-o", "json").stdout)["status"]["podIP"]
    assert f"{asker}:" in kubectl("logs", "walker-2").stdout
    # By flannel's tunnel, to the network that Kubernetes gave the other machine; none of ours is there.
    nodes = {item["metadata"]["name"]: item["spec"]["podCIDR"] for item in json.loads(kubectl("get", "nodes", "-o", "json").stdout)["items"]}
    route = rack.run("f1", "ip", "route", "show", nodes["w-1"]).stdout
    assert "dev flannel.1" in route, route
    assert rack.run("f2", "ls", "/opt/cni/bin").stdout.split() == ["flannel"]
    assert rack.run("f1", "sh", "-c", "cat /etc/muster/routes; nft list table ip muster 2>&1 || true").stdout.startswith("Error")
