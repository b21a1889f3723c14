"""The disk image, started by BIOS and by UEFI under its own cloud-init, becomes a node and downloads nothing."""
import json
import os

import pytest

import whole_machine
from local_cluster import SERVER_ADDRESS
from own_image import OwnImage
from whole_machine import WholeMachine

pytestmark = pytest.mark.long

SEED = f"http://{SERVER_ADDRESS}:8080/nocloud/"
EC2 = "ec2e1916-9099-7caf-fd21-012345abcdef"
MACHINES = {
    # NoCloud by the firmware's serial number.
    "b1": ("10.77.0.41", "bios", ["-smbios", f"type=1,serial=ds=nocloud-net;s={SEED}"]),
    # What cloud-init takes for EC2: tokens, then the metadata tree.
    "u1": ("10.77.0.42", "uefi", ["-uuid", EC2, "-smbios", f"type=1,serial={EC2}"]),
}


@pytest.fixture(scope="module")
def image(rack, tmp_path_factory):
    if whole_machine.missing():
        pytest.skip(f"needs {whole_machine.missing()}: scripts/setup --machines installs them")
    folder = tmp_path_factory.mktemp("image")
    own = OwnImage(rack, "node", str(folder))
    built, again = own.build(), own.build()
    assert not again["built"] and again["digest"] == built["digest"]
    return {"folder": folder, "store": own.store, "file": os.path.join(built["folder"], "disk.qcow2"), "version": built["version"]}


def test_it_is_a_signed_release_like_any_other(rack, image):
    shown = json.loads(rack.muster("image", "--store", image["store"], "show", "node", "-o", "json").stdout)
    assert shown["sound"] and shown["file"] == "intact"
    rack.muster("release", "import", os.path.dirname(image["file"]))
    listed = json.loads(rack.muster("image", "--store", image["store"], "list", "-o", "json").stdout)["images"]
    assert ("node", image["version"], True, True) in [(row["name"], row["version"], row["builtHere"], row["onServer"]) for row in listed]


@pytest.fixture(params=MACHINES)
def machine(request, cluster, image):
    name = request.param
    address, firmware, identity = MACHINES[name]
    cluster.add_node(name, address)
    cluster.apply()
    machine = WholeMachine(name, image["folder"], address, firmware, identity)
    whole_machine.metadata_rule("-I")
    try:
        machine.power_on(image["file"])
        yield machine
    finally:
        machine.power_off()
        whole_machine.metadata_rule("-D")
        cluster.remove_node(name)


def test_it_becomes_a_node(cluster, machine):
    def waits():
        waiting = json.loads(cluster.muster("pending", "-o", "json").stdout)["pending"]
        mine = [row["fingerprint"] for row in waiting if row["node"] == machine.name]
        return any(cluster.muster("approve", machine.name, "--fingerprint", key, check=False).returncode == 0 for key in mine)
    # Its seed has no token: an operator lets it in.
    try:
        cluster.wait_for(f"{machine.name} to ask for its admission", waits, 240, machine.is_on)
        # A verdict from before cloud-init gave it its name is none: the agent tries again.
        cluster.wait_for(f"{machine.name} to be converged", lambda: cluster.node_status(machine.name)[0] == "converged", 240, machine.is_on)
    except Exception as failure:
        raise AssertionError(f"{failure}\n{cluster.node_status(machine.name)}\n{machine.last_words()}") from failure
    assert machine.name in cluster.ready_nodes()
    print(cluster.muster("node", "timeline", machine.name, "--cluster", "lab").stdout)
    phases = [phase["name"] for phase in cluster.report(machine.name)["phases"]]
    # Nothing was fetched, and nothing hashed: what the image carries was in order.
    assert "certificates" in phases and "releases" not in phases
