"""The netboot initrd's own script for the disk that keeps a machine's state: which it is, what is somebody else's, what an order permits."""
import shutil
import subprocess

import pytest
from initrd_machine import MIB, PIN, PLACE, SIZE, TYPE, Machine, filesystem, gpt, inside, missing, sha, shown

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(bool(missing()), reason="needs busybox, fdisk, e2fsprogs: scripts/setup")]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_blank_disk_is_made_the_state_once(machine):
    disk = machine.add_disk("sda", "S1")
    out = machine.takes("create ifBlank", "serial S1")
    assert "muster: making the state disk on sda, serial S1\n" in out and "phase disk-made\n" in out
    assert shown(disk) == [(TYPE, 2048, SIZE // 512 - 4096)]
    subprocess.run(["sfdisk", "--verify", disk], check=True, capture_output=True)
    inside(disk, "mkdir kept")
    out = machine.takes("create ifBlank", "serial S1")
    assert "making the" not in out and "disk-made" not in out
    assert "kept" in inside(disk, "ls /")
    assert "making the" not in machine.takes("create never", "serial S1")
    # What was permitted to be wiped is not, without the word for it.
    assert "making the" not in machine.takes("create wipe", "serial S1")


def test_a_disk_with_room_keeps_some_in_front(machine):
    disk = machine.add_disk("sda", "S1", size=17 << 30)
    machine.takes("create ifBlank", "serial S1")
    assert shown(disk) == [(TYPE, 3072 * 2048, (17 * 1024 - 3073) * 2048)]


def mbr(disk):
    subprocess.run(["sfdisk", "--quiet", disk], input="label: dos\nsize=100MiB\n", text=True, check=True)


def put(where, data=b"x"):
    def write(disk):
        with open(disk, "r+b") as out:
            out.seek(where if where >= 0 else SIZE + where)
            out.write(data)
    return write


FOREIGN = {"a GPT": (gpt, "gpt, gpt, PMBR"), "a table of DOS": (mbr, "dos"), "a file system": (filesystem, "ext4"),
           "LVM": (put(512, b"LABELONE" + bytes(16) + b"LVM2 001"), "a first MiB that is not zero"),
           "the middle of the first MiB": (put(MIB // 2), "a first MiB that is not zero"), "the last byte": (put(-1), "a last MiB that is not zero"),
           "the last MiB's first byte": (put(-MIB), "a last MiB that is not zero"), "a half mark of ours": (put(255 * 4096, b"muster: this"), "a first MiB")}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_somebody_elses_is_refused_and_stays_as_it_is(machine, what):
    make, found = FOREIGN[what]
    disk = machine.add_disk("sda", "S1")
    make(disk)
    before = sha(disk)
    text = machine.refused("create ifBlank", "serial S1")
    assert text.startswith("the disk sda is not blank (") and found in text and "stateDisk.create is ifBlank; sda: 0 GiB, serial S1, WWN none, path unknown: " in text
    assert "; `" not in text and text.count(found) == 2, text
    text = machine.refused("create wipe", "serial S1")
    assert "muster node wipe-disk n1 --serial 'S1' permits its next start to wipe it" in text
    assert sha(disk) == before


def test_a_disk_that_is_in_use_or_has_partitions_of_a_table_that_is_gone_is_refused(machine):
    machine.add_disk("sda", "S1")
    holder = machine.folder / "sys/block/sda/holders/md0"
    holder.mkdir(parents=True)
    assert "is not blank (used by md0)" in machine.refused("create ifBlank", "serial S1")
    (machine.folder / "muster/state-disk").unlink()
    # The word for a wipe is not one to pull a disk away from under an array.
    status, out, _ = machine.run("create wipe", "serial S1", "wipe 7 S1")
    assert status == 1 and "the disk sda is in use" in out
    shutil.rmtree(holder.parent)
    (machine.folder / "sys/block/sda/sda1").mkdir()
    (machine.folder / "sys/block/sda/sda1/partition").write_text("1\n")
    assert "is not blank (1 partition(s))" in machine.refused("create ifBlank", "serial S1")


def test_none_two_and_wrong_ones_are_told_with_every_candidate(machine):
    assert machine.refused("create ifBlank", "serial S1") == "no disk has serial S1; there is no disk"
    machine.add_disk("sda", "S1", wwn="naa.5000c500a1b2c3d4", by_path="pci-0000:00:1f.2-ata-1")
    filesystem(machine.add_disk("sdb", "S2"))
    assert machine.refused("create ifBlank", "serial S") == (
        "no disk has serial S; sda: 0 GiB, serial S1, WWN naa.5000c500a1b2c3d4, path pci-0000:00:1f.2-ata-1: blank; "
        "sdb: 0 GiB, serial S2, WWN none, path unknown: ext4, a first MiB that is not zero")
    machine.add_disk("sdc", "S1")
    assert machine.refused("create ifBlank", "serial S1").startswith("more than one disk has serial S1; sda: ")


@pytest.mark.parametrize("told", ["wwn 0x5000C500A1B2C3D4", f"path /dev/disk/by-path/{PLACE}"])
def test_a_disk_is_found_by_wwn_and_by_place(machine, told):
    machine.add_disk("sdb", "S2", by_path="pci-0000:02:00.0-nvme-1")
    machine.add_disk("sda", "S1", wwn="naa.5000c500a1b2c3d4", by_path="pci-0000:01:00.0-nvme-1")
    machine.takes("create ifBlank", told)


def test_optical_and_hidden_and_empty_ones_are_no_disks(machine):
    machine.add_disk("sda", "S1")
    machine.add_disk("sr0", "S1")
    machine.add_disk("sdb", "S1", size=0)
    machine.add_disk("nvme0c0n1", "S1")
    (machine.folder / "sys/block/nvme0c0n1/hidden").write_text("1\n")
    shutil.rmtree(machine.folder / "sys/block/sr0/device")
    machine.takes("create ifBlank", "serial S1")


def test_nothing_is_made_where_nothing_may_be(machine):
    disk = machine.add_disk("sda", "S1")
    before = sha(disk)
    assert machine.refused("create never", "serial S1").startswith("the disk sda has no state of Muster's, and stateDisk.create is never; sda: ")
    assert sha(disk) == before


def test_the_word_to_wipe_is_for_one_serial(machine):
    disk = machine.add_disk("sda", "S1", by_path="pci-0000:01:00.0-nvme-1")
    gpt(disk)
    before = sha(disk)
    assert machine.refused("create wipe", f"path /dev/disk/by-path/{PLACE}", "wipe 7 S9").startswith(
        "the word to wipe is for the disk with serial S9, and sda has S1; nothing was wiped; sda: ")
    # The inventory no longer permits it.
    assert "is not blank" in machine.refused("create ifBlank", f"path /dev/disk/by-path/{PLACE}", "wipe 7 S1")
    assert sha(disk) == before
    assert "making" in machine.takes("create wipe", f"path /dev/disk/by-path/{PLACE}", "wipe 7 S1")


def test_an_order_wipes_its_disk_once_however_often_it_is_told(machine):
    """Power goes before the machine's first report, so that the server tells the order again."""
    disk = machine.add_disk("sda", "S1")
    gpt(disk)
    assert "making" in machine.takes("create wipe", "serial S1", "wipe 1764700000000007 S1")
    inside(disk, "mkdir enrolled")
    out = machine.takes("create wipe", "serial S1", "wipe 1764700000000007 S1")
    assert "making the" not in out and "enrolled" in inside(disk, "ls /")
    assert "phase disk-made\n" in out  # the server has not heard it yet
    label = subprocess.run(["sfdisk", "--part-label", disk, "1"], capture_output=True, text=True, check=True).stdout
    assert label == "muster-state-1764700000000007\n"
    assert "making" in machine.takes("create wipe", "serial S1", "wipe 1764700000000008 S1")
    assert "enrolled" not in inside(disk, "ls /")


def test_what_was_made_where_nothing_was_is_wiped_by_an_order(machine):
    disk = machine.add_disk("sda", "S1")
    machine.takes("create ifBlank", "serial S1")
    inside(disk, "mkdir old")
    assert "making" in machine.takes("create wipe", "serial S1", "wipe 7 S1")
    assert "old" not in inside(disk, "ls /")


def test_a_disk_that_cannot_be_read_is_not_blank(machine):
    disk = machine.add_disk("sda", "S1")
    with open(disk, "r+b") as out:
        out.truncate(SIZE - 3 * MIB)
    text = machine.refused("create ifBlank", "serial S1")
    assert "is not blank (cannot be read)" in text


def test_the_state_of_another_machine_is_not_taken(machine):
    machine.add_disk("sda", "S1")
    machine.takes("create ifBlank", "serial S1")
    assert (machine.folder / "state/machine").read_text() == f"lab/n1 {PIN}\n"
    (machine.folder / "state/machine").write_text(f"lab/n7 {PIN}\n")
    assert machine.refused("create ifBlank", "serial S1").startswith(
        f"the state on sda is another machine's: expected that of lab/n1 {PIN}, found lab/n7 {PIN}; with stateDisk.create: wipe, ")


def test_a_file_system_that_needs_a_person_is_left_to_one(machine):
    disk = machine.add_disk("sda", "S1")
    machine.takes("create ifBlank", "serial S1")
    inside(disk, "clri <2>")
    inside(disk, "set_super_value state 0")
    text = machine.refused("create ifBlank", "serial S1")
    assert text.startswith("the state on sda needs a repair by hand: e2fsck -p: "), text
