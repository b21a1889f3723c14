"""A whole cluster on demand: machines that nobody listed, from a stock Debian root under its own cloud-init."""
import json
import os
import time

import pytest

from local_cluster import LAB, LAB_STATE, call
from on_demand import Kubectl, are_converged, import_agent, set_template, switch_on

pytestmark = pytest.mark.long

# What the cloud is to the machine: its address, and the user-data that it was started with.
MACHINES = {"c1": ("10.77.0.66", "ci-master-1.yaml"), "c2": ("10.77.0.82", "ci-nodes.yaml"), "c3": ("10.77.0.83", "ci-nodes.yaml")}


@pytest.fixture(scope="module")
def ready_to_order(rack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("on-demand")
    import_agent(rack, str(folder / "agent"))
    set_template(rack, "routed")
    call(LAB, "image", "cloud")
    yield folder
    call(LAB, "down", *MACHINES)


def test_from_one_command_to_ready(rack, ready_to_order):
    folder = ready_to_order / "user-data"
    began = time.monotonic()
    rack.muster("cluster", "create", "ci", "--template", "routed", "--masters", "1", "--nodes", "2", "--ttl", "1h", "--user-data-dir", str(folder))
    created = time.monotonic() - began
    switched_on = switch_on(rack, {name: (address, str(folder / file)) for name, (address, file) in MACHINES.items()}, str(ready_to_order / "trees"))
    rack.wait_for("three machines to be converged", lambda: are_converged(rack, "ci", 3), 170)
    seconds = time.monotonic() - switched_on
    print(f"cluster create {created:.2f} s; power-on to three Ready machines {seconds:.1f} s")
    assert created + seconds < 180

    kubectl = Kubectl(rack, "ci", str(ready_to_order))
    rack.wait_for("an operator to see three Ready nodes", lambda: kubectl.ready_nodes() == {"m-1", "w-1", "w-2"}, 60)
    names = {name: rack.run(name, "hostname").stdout.strip() for name in MACHINES}
    assert names["c1"] == "m-1" and {names["c2"], names["c3"]} == {"w-1", "w-2"}
    # cloud-init itself ended well, and did not wait for the machine.
    for name in MACHINES:
        assert "status: done" in rack.run(name, "cloud-init", "status", check=False).stdout


def powered():
    return {host["name"] for host in json.loads(call(LAB, "list", "-o", "json").stdout) if host["power"] == "on"} & set(MACHINES)


def test_its_end_switches_the_machines_off_also_one_that_was_off_meanwhile(rack, ready_to_order):
    call(LAB, "power", "off", "c3")
    began = time.monotonic()
    rack.muster("cluster", "extend", "ci", "--ttl", "1m")
    for name in ("c1", "c2"):
        try:
            rack.wait_for(f"{name} to switch itself off", lambda: name not in powered(), 60 + 45)
        except Exception:
            print(rack.run(name, "journalctl", "-b", "-n", "400", "--no-pager", "-o", "short-precise", check=False).stdout)
            raise
        print(f"{name} off after {time.monotonic() - began:.1f} s")
    print(f"end asked for to the last machine off {time.monotonic() - began:.1f} s, 60 of them until the end")
    assert json.loads(rack.muster("cluster", "list", "-o", "json").stdout)["clusters"] == []
    assert "ci" not in {row["cluster"] for row in json.loads(rack.muster("node", "list", "-o", "json").stdout)["nodes"]}
    # Days later, as far as it knows: its cached document brings nothing up, and it goes off again.
    # It may be off again before the lab has seen it up.
    call(LAB, "power", "on", "c3", check=False)
    rack.wait_for("the machine to hear of it", lambda: "c3" not in powered(), 60)
    assert os.path.exists(os.path.join(LAB_STATE, "hosts/c3/varlib/muster/tombstone.json"))
    # What was switched off knows it, and says how to use it again.
    call(LAB, "power", "on", "c2")
    rack.wait_for("the agent to say so", lambda: "to use this machine again" in rack.run(
        "c2", "journalctl", "-u", "muster-agent", "-b", "-o", "cat", check=False).stdout, 30)
    status = rack.run("c2", "muster-agent", "status", check=False).stdout
    assert status.startswith("ended ") and "cluster 'ci' ended at " in status
    active = rack.run("c2", "systemctl", "is-active", "kubelet", "containerd", check=False).stdout.split()
    assert active == ["inactive", "inactive"]
    rack.run("c2", "muster-agent", "reset", "--yes", timeout=180)
    assert rack.run("c2", "ls", "/var/lib/muster/tombstone.json", check=False).returncode != 0
