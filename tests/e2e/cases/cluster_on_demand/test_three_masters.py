"""Three masters on demand, then five nodes more at once; each a stock Debian under its own cloud-init."""
import time

import pytest
from local_cluster import LAB, call
from on_demand import Kubectl, are_converged, import_agent, set_template, switch_on

pytestmark = pytest.mark.long

MASTERS = {f"w{number}": f"10.77.0.{170 + number}" for number in range(3)}
NODES = {f"x{number}": f"10.77.0.{180 + number}" for number in range(5)}


@pytest.fixture(scope="module")
def wide(rack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    import_agent(rack, str(folder / "agent"))
    set_template(rack, "routed")
    yield folder
    rack.muster("cluster", "delete", "wide", check=False)
    call(LAB, "down", *MASTERS, *NODES)


def bring_up(rack, folder, machines, count):
    began = switch_on(rack, machines, str(folder))
    rack.wait_for(f"{count} machines to be converged", lambda: are_converged(rack, "wide", count), 300)
    return time.monotonic() - began


def test_three_masters_start_together(rack, wide):
    rack.muster("cluster", "create", "wide", "--template", "routed", "--masters", "3", "--ttl", "1h", "--user-data-dir", str(wide / "masters"))
    machines = {name: (address, str(wide / "masters" / f"wide-master-{index}.yaml")) for index, (name, address) in enumerate(MASTERS.items(), 1)}
    print(f"three masters Ready {bring_up(rack, wide / 'trees-of-masters', machines, 3):.1f} s after power-on")
    kubectl = Kubectl(rack, "wide", str(wide))
    rack.wait_for("three Ready masters", lambda: kubectl.ready_nodes() == {"m-1", "m-2", "m-3"}, 60)


def test_five_nodes_more_at_once(rack, wide):
    rack.muster("cluster", "scale", "wide", "--nodes", "5", "--user-data-dir", str(wide / "nodes"))
    machines = {name: (address, str(wide / "nodes" / "wide-nodes.yaml")) for name, address in NODES.items()}
    print(f"five nodes more Ready {bring_up(rack, wide / 'trees-of-nodes', machines, 8):.1f} s after power-on")
    kubectl = Kubectl(rack, "wide", str(wide))
    wanted = {f"m-{index}" for index in range(1, 4)} | {f"w-{index}" for index in range(1, 6)}
    rack.wait_for("eight Ready nodes", lambda: kubectl.ready_nodes() == wanted, 60)
