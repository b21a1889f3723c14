"""A pool whose machines are to be as they were found, once their cluster is over: racks that serve others next."""
import os

import pytest
from local_cluster import LAB, call
from on_demand import TEMPLATES, are_converged, set_template, switch_on

pytestmark = pytest.mark.long

MACHINES = {"y1": ("10.77.0.190", "borrowed-master-1.yaml"), "y2": ("10.77.0.191", "borrowed-nodes.yaml")}
# Not /opt/muster: the image has the releases itself.
LEFT = "ls -d /etc/kubernetes /etc/cni /var/lib/etcd /var/lib/kubelet /var/lib/muster/identity 2>/dev/null; true"


def resetting_template(folder):
    with open(os.path.join(TEMPLATES, "routed", "cluster.yaml"), encoding="utf-8") as stream:
        text = stream.read()
    assert text.count("  proofs: [token]\n") == 2
    os.makedirs(folder)
    with open(os.path.join(folder, "cluster.yaml"), "w", encoding="utf-8") as out:
        out.write(text.replace("  proofs: [token]\n", "  proofs: [token]\n  onDelete: reset\n"))
    return folder


def test_its_machines_are_left_on_and_empty(rack, tmp_path):
    set_template(rack, "resetting", resetting_template(str(tmp_path / "template")))
    rack.muster("cluster", "create", "borrowed", "--template", "resetting", "--nodes", "1", "--user-data-dir", str(tmp_path / "user-data"))
    try:
        switch_on(rack, {name: (address, str(tmp_path / "user-data" / file)) for name, (address, file) in MACHINES.items()})
        rack.wait_for("two machines to be converged", lambda: are_converged(rack, "borrowed", 2), 170)
        assert "/var/lib/etcd" in rack.run("y1", "sh", "-c", LEFT).stdout
        rack.muster("cluster", "delete", "borrowed")
        for name in MACHINES:
            rack.wait_for(f"{name} to be empty", lambda: rack.run(name, "sh", "-c", LEFT, check=False).stdout == "", 180)
            status = rack.run(name, "muster-agent", "status", check=False).stdout
            assert status.startswith("ended ") and "everything of it is taken away from this machine" in status, status
            units = rack.run(name, "systemctl", "list-units", "--plain", "--no-legend", "--state=active,failed", "kube*", "etcd*", "containerd*").stdout
            assert units == ""
    finally:
        call(LAB, "down", *MACHINES)
