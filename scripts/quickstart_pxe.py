"""scripts/quickstart --pxe: an empty machine on the local cluster's bridge, which starts by the network and becomes its node."""
import os
import shutil

from local_cluster import CACHE
from netboot_machine import OVERRIDES, BootSegment, NetbootMachine, boot, end, missing, timeline
from own_image import OwnImage
from waiting import Failure

NAME, ADDRESS, MAC = "t1", "10.77.0.51", "02:4d:55:00:00:33"
NODE = f"""apiVersion: muster/v1
kind: Node
metadata: {{name: {NAME}}}
spec:
  cluster: lab
  role: node
  address: {ADDRESS}
  match: {{mac: ["{MAC}"]}}
  {OVERRIDES}
"""


def folder_of(state):
    return os.path.join(state, "pxe")


def machine_of(state):
    return NetbootMachine(NAME, folder_of(state), MAC)


def down(state):
    if not os.path.isdir(folder_of(state)):
        return
    machine_of(state).power_cut()
    end(os.path.join(folder_of(state), "dnsmasq.pid"))


def up(cluster, inventory, step):
    """Of a cluster that runs. The machine and its dnsmasq stay, until `down`."""
    step("what builds images and whole machines", "scripts/setup", "--machines")
    if missing():
        raise Failure(f"--pxe: this machine lacks {missing()}, which scripts/setup --machines should have installed")
    folder, machine = folder_of(cluster.state), machine_of(cluster.state)
    if machine.is_on():
        step(f"{NAME} is on; its console: {machine.console}")
        return
    step("the netboot image (about 2 minutes the first time): Debian, the agent and the releases, signed")
    shutil.rmtree(folder, ignore_errors=True)
    built = OwnImage(cluster, "tower", folder, "--kind", "netboot", store=os.path.join(CACHE, "images"),
                     edit=lambda text: text.replace("kernel: generic", "kernel: cloud")).build()
    cluster.muster("release", "import", built["folder"])
    ours = os.path.join(folder, "inventory")
    shutil.copytree(inventory, ours)
    with open(os.path.join(ours, f"{NAME}.yaml"), "w", encoding="utf-8") as out:
        out.write(NODE)
    cluster.muster("apply", ours)
    BootSegment(cluster, ours, folder).__enter__()
    step(f"{NAME} (QEMU, 3 GiB, no disk) is switched on; its console: {machine.console}")
    ended = boot(cluster, machine, 900)
    print(f"\n{NAME}, from power-on to Ready:\n{timeline(ended)}\n")
    print(cluster.muster("node", "timeline", NAME, "--cluster", cluster.cluster).stdout)
    print(cluster.kubectl("get", "nodes", "-o", "wide").stdout)
