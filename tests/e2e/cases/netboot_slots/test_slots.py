"""A machine starts from the slots of its own disk: real firmware, real GRUB, a real kernel, and neither server nor DHCP where none is needed."""
import json
import os
import shutil
import time

import netboot_machine
import pytest
import small_image
from local_cluster import call
from netboot_machine import OVERRIDES, BootSegment, NetbootMachine, boot, timeline
from own_image import OwnImage
from waiting import wait_for

ADDRESS, MAC, SERIAL = "10.77.0.53", "02:4d:55:00:00:35", "MUSTER-SLOTS-1"
UEFI_ADDRESS, UEFI_MAC, UEFI_SERIAL = "10.77.0.54", "02:4d:55:00:00:36", "MUSTER-SLOTS-2"


@pytest.fixture(scope="module")
def image(rack, tmp_path_factory):
    if netboot_machine.missing():
        pytest.skip(f"needs {netboot_machine.missing()}: scripts/setup --machines installs them")
    built = OwnImage(rack, "tower", str(tmp_path_factory.mktemp("tower")), "--kind", "netboot",
                     edit=lambda text: text.replace("kernel: generic", "kernel: cloud")).build()
    rack.muster("release", "import", built["folder"])
    return built


@pytest.fixture(scope="module")
def segment(cluster, image, tmp_path_factory):
    for name, address, mac, serial in (("s1", ADDRESS, MAC, SERIAL), ("s2", UEFI_ADDRESS, UEFI_MAC, UEFI_SERIAL)):
        with_disk = OVERRIDES.replace("{netboot:", f"{{stateDisk: {{serial: {serial}, create: ifBlank}}, netboot:")
        cluster.add_node(name, address, extra=f"  {with_disk}\n", mac=mac)
    cluster.apply()
    yield BootSegment(cluster, cluster.inventory, str(tmp_path_factory.mktemp("segment")))
    cluster.remove_node("s1")
    cluster.remove_node("s2")


def new_machine(folder, name, mac, serial, firmware):
    disk = folder / "state.qcow2"
    call("qemu-img", "create", "-q", "-f", "qcow2", disk, "20G")
    return NetbootMachine(name, folder, mac, firmware, disk=(disk, serial), disk_first=True)


@pytest.fixture(scope="module")
def machine(segment, tmp_path_factory):
    machine = new_machine(tmp_path_factory.mktemp("s1"), "s1", MAC, SERIAL, "bios")
    yield machine
    machine.power_cut()


def wait_said(machine, pattern, seconds, count=1):
    """Until the console has it so often; says when."""
    wait_for(f"{machine.name}'s console to say {pattern}", lambda: len(machine.said(pattern)) >= count, seconds, machine.is_on)
    print(f"{time.monotonic() - machine.began:6.1f} s  {machine.said(pattern)[-1]}")


def becomes_ready_and_writes_a_slot(cluster, segment, machine):
    with segment:
        print(f"\n{timeline(boot(cluster, machine, 1200))}")
        assert machine.said("muster: making the state disk on vda")
        wait_said(machine, r"slot: image-tower/\S+ is in slot a, which the next start tries", 1200)
    machine.power_cut()


def starts_from_its_disk_alone(cluster, machine):
    """Neither the server nor DHCP is there."""
    before = cluster.report(machine.name)["bootId"]
    cluster.stop_server()
    try:
        machine.power_on()
        wait_said(machine, "muster: starting from slot a muster.trial", 60)
        wait_said(machine, "muster: handing over to the image", 600)
        wait_said(machine, "slot: slot a has settled: from now on it starts the machine", 1200)
        assert machine.name in cluster.ready_nodes()
        assert not machine.said("making the state disk") and not machine.said("iPXE 1")
    finally:
        cluster.start_server()
    wait_for(f"{machine.name} to report", lambda: cluster.report(machine.name).get("bootId", before) != before, 180, machine.is_on)
    told = cluster.muster("node", "timeline", machine.name, "--cluster", "lab").stdout
    print(told)
    assert "initrd slot-a" in told
    cluster.wait_converged([machine.name], 180)


@pytest.mark.long
def test_an_empty_machine_writes_a_slot_and_starts_from_it_with_nobody_there(cluster, segment, machine):
    becomes_ready_and_writes_a_slot(cluster, segment, machine)
    starts_from_its_disk_alone(cluster, machine)


def publish(cluster, image, folder, version, change):
    """The image once more, of another version: `change` makes its files others."""
    shutil.copytree(image["folder"], folder)
    change(folder)
    with open(folder / "release.json", encoding="utf-8") as stream:
        release = json.load(stream)
    release["version"] = version
    for artifact in release["artifacts"]:
        data = (folder / artifact["path"]).read_bytes()
        artifact["digest"], artifact["size"] = small_image.digest(data), len(data)
    with open(folder / "release.json", "w", encoding="utf-8") as out:
        json.dump(release, out, sort_keys=True, separators=(",", ":"))
    cluster.muster("release", "import", str(folder))
    cluster.apply("--upgrade", "image-tower")


def comes_back_by_itself(cluster, machine, version, phase, seconds):
    """The image of that version is tried once; the machine goes back without anybody, and the server says so."""
    wait_said(machine, f"slot: image-tower/{version} is in slot b, which the next start tries", 1200)
    before = cluster.report("s1")["bootId"]
    machine.power_cut()
    machine.power_on()
    wait_said(machine, "muster: starting from slot b muster.trial", 60)
    wait_said(machine, "muster: starting from slot a", seconds)
    wait_for("s1 to report", lambda: cluster.report("s1").get("bootId", before) != before, 600, machine.is_on)
    cluster.wait_for("s1's word of it", lambda: f"image-tower/{version} did not come up: it ended in the phase {phase}" in
                     cluster.muster("node", "show", "s1", "--cluster", "lab").stdout.replace("\n", " "), 300)
    print(cluster.muster("node", "show", "s1", "--cluster", "lab").stdout)
    assert cluster.report("s1")["bootImage"] != f"image-tower/{version}"
    assert len(machine.said("muster: starting from slot b")) == 1


@pytest.mark.long
def test_an_image_whose_kernel_panics_is_left_for_the_one_before(cluster, image, machine, tmp_path):
    """Its initrd is none, so that the kernel finds no root."""
    publish(cluster, image, tmp_path / "panics", "29990101.000000", lambda folder: (folder / "initrd").write_bytes(b"no archive, of any kind" * 100))
    comes_back_by_itself(cluster, machine, "29990101.000000", "kernel", 200)


@pytest.mark.long
def test_an_image_whose_root_hangs_is_left_for_the_one_before(cluster, image, machine, tmp_path):
    """Nothing in it feeds the watchdog that the initrd has started."""
    kernel = tmp_path / "kernel"
    call("unsquashfs", "-q", "-n", "-d", kernel, os.path.join(image["folder"], "root.squashfs"), "usr/lib/modules", timeout=300)

    def change(folder):
        small_image.hang(folder, kernel / "usr/lib/modules", tmp_path / "small")
    publish(cluster, image, tmp_path / "hangs", "29990102.000000", change)
    comes_back_by_itself(cluster, machine, "29990102.000000", "systemd", 400)


@pytest.mark.long
def test_by_uefi_too(cluster, segment, tmp_path):
    if netboot_machine.missing(uefi=True):
        pytest.skip(f"needs {netboot_machine.missing(uefi=True)}")
    machine = new_machine(tmp_path, "s2", UEFI_MAC, UEFI_SERIAL, "uefi")
    try:
        becomes_ready_and_writes_a_slot(cluster, segment, machine)
        starts_from_its_disk_alone(cluster, machine)
    finally:
        machine.power_cut()
