"""The netboot initrd's own script for the disk that keeps a machine's state, in its own shell, with the root's tools, on files as disks."""
import os
import random
import shutil
import subprocess

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NETBOOT = os.path.join(REPOSITORY, "images", "netboot")
TOOLS = ("busybox", "sfdisk", "mke2fs", "e2fsck", "wipefs", "partx", "debugfs")
MIB = 1 << 20
SIZE = 40 * MIB
TYPE = "7111afa7-0c7b-46ab-a745-bea77ebbdce0"
PIN = f"sha256:{'a' * 64}"
PLACE = "/dev/disk/by-path/pci-0000:01:00.0-nvme-1"

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs busybox, fdisk, e2fsprogs: scripts/setup")]

# What init.sh has, and what stands for a kernel: files in the place of devices. A partition's file system is told to e2fsck by its offset.
BEFORE = """
say() { echo "muster: $*"; }
enter() { phase=$1; echo "phase $1"; }
stop() { say "$phase: $*"; exit 1; }
. NETBOOT/state_disk.sh
smallest=40
tool() { "$@"; }
path_of() { cat "$sys/block/$1/by-path" 2> /dev/null; }
load_disk_drivers() { :; }
release_disk_tools() { :; }
partition_device() { echo "$dev/$1?offset=$(($(tool /bin/partx --raw --noheadings --output START --nr "$2" "$dev/$1") * 512))"; }
sleep() { :; }
mount() { echo "mounted $5" | sed "s|$dev/||"; }
"""


class Machine:
    """Its disks, and what the server said of them."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("sys/block", "dev", "muster", "state", "bin", "lower/var/log"):
            (folder / name).mkdir(parents=True)
        subprocess.run(["busybox", "--install", "-s", str(folder / "bin")], check=True)
        (folder / "muster/root").write_text(f"sha256:{'1' * 64} 5\n")
        (folder / "muster/agent.json").write_text(f'{{\n  "sitePin": "{PIN}"\n}}\n')
        (folder / "lower/var/log/dpkg.log").write_text("of the image\n")

    def add_disk(self, name, serial="", wwn="", by_path="", size=SIZE):
        entry = self.folder / "sys/block" / name
        (entry / "device").mkdir(parents=True)
        (entry / "size").write_text(f"{size // 512}\n")
        (entry / "serial").write_text(f" {serial} \n")
        (entry / "wwid").write_text(f"{wwn}\n")
        if by_path:
            (entry / "by-path").write_text(by_path + "\n")
        disk = self.folder / "dev" / name
        with open(disk, "wb") as out:
            out.truncate(size)
        return disk

    def run(self, *told, words="use_state_disk", cut="none"):
        (self.folder / "muster/state-disk").write_text("machine lab/n1\n" + "".join(f"{line}\n" for line in told))
        script = BEFORE.replace("NETBOOT", NETBOOT) + f'step() {{ [ "$1" != {cut} ] || exit 9; }}\n{words}\n'
        environment = {"PATH": str(self.folder / "bin"), "MUSTER_DISK_PATIENCE": "2", "muster_folder": str(self.folder / "muster"),
                       **{name: str(self.folder / name) for name in ("lower", "state", "sys", "dev")}}
        done = subprocess.run(["busybox", "sh", "-c", script], capture_output=True, text=True, env=environment, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def refused(self, *told):
        status, out, err = self.run(*told)
        assert status == 1 and "making the state disk" not in out, out + err
        line = out.splitlines()[-1]
        assert line.startswith("muster: state-disk: "), out + err
        return line[len("muster: state-disk: "):]

    def takes(self, *told):
        status, out, err = self.run(*told)
        assert status == 0 and "mounted sda?offset=" in out, out + err
        return out


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def sha(disk):
    return subprocess.run(["sha256sum", disk], capture_output=True, check=True).stdout


def inside(disk, command):
    """debugfs in the state's file system."""
    return subprocess.run(["debugfs", "-w", "-R", command, f"{disk}?offset={MIB}"], capture_output=True, text=True, check=True).stdout


def shown(disk):
    """(type, first sector, sectors) of each partition."""
    out = subprocess.run(["partx", "--raw", "--noheadings", "--output", "TYPE,START,SECTORS", disk], capture_output=True, text=True, check=True).stdout
    return [(kind, int(start), int(count)) for kind, start, count in (line.split() for line in out.splitlines())]


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


def gpt(disk):
    subprocess.run(["sfdisk", "--quiet", disk], input="label: gpt\nsize=100MiB\n", text=True, check=True)


def mbr(disk):
    subprocess.run(["sfdisk", "--quiet", disk], input="label: dos\nsize=100MiB\n", text=True, check=True)


def put(where, data=b"x"):
    def write(disk):
        with open(disk, "r+b") as out:
            out.seek(where if where >= 0 else SIZE + where)
            out.write(data)
    return write


def filesystem(disk):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", disk], check=True)


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
    status, out, _ = machine.run("create wipe", "serial S1", "wipe S1")
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


@pytest.mark.parametrize("told", ["wwn 0x5000C500A1B2C3D4", f"path {PLACE}"])
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
    assert machine.refused("create wipe", f"path {PLACE}", "wipe S9").startswith(
        "the word to wipe is for the disk with serial S9, and sda has S1; nothing was wiped; sda: ")
    # The inventory no longer permits it.
    assert "is not blank" in machine.refused("create ifBlank", f"path {PLACE}", "wipe S1")
    assert sha(disk) == before
    assert "making" in machine.takes("create wipe", f"path {PLACE}", "wipe S1")
    inside(disk, "mkdir old")
    assert "making" in machine.takes("create wipe", f"path {PLACE}", "wipe S1")
    assert "old" not in inside(disk, "ls /")


@pytest.mark.parametrize("cut", ["mark", "cleared", "filesystem", "table"])
@pytest.mark.parametrize("first", ["ifBlank", "wipe"])
def test_what_a_power_cut_leaves_is_made_anew_without_a_word(machine, cut, first):
    disk = machine.add_disk("sda", "S1")
    if first == "wipe":
        gpt(disk)
    status, out, err = machine.run(f"create {first}", "serial S1", *(["wipe S1"] if first == "wipe" else []), cut=cut)
    assert status == 9, out + err
    before = sha(disk)
    assert "the making of the state on sda was cut off" in machine.refused("create never", "serial S1")
    assert "sda: 0 GiB, serial S1, WWN none, path unknown: a half-made state disk of Muster's" in machine.refused("create never", "serial S2")
    assert sha(disk) == before
    assert "making" in machine.takes(f"create {first}", "serial S1")
    assert "making the" not in machine.takes(f"create {first}", "serial S1")


def test_a_table_that_is_torn_anywhere_is_made_anew(machine):
    """Any of the sectors that the table's writer changes, written or not."""
    disk = machine.add_disk("sda", "S1")
    assert machine.run("create ifBlank", "serial S1", cut="filesystem")[0] == 9
    before = table_of(disk)
    assert machine.run("create ifBlank", "serial S1", cut="table")[0] == 9
    after = table_of(disk)
    changed = [at for at in after if after[at] != before[at]]
    assert len(changed) >= 5
    chance = random.Random(7)
    for _ in range(4):
        with open(disk, "r+b") as out:
            for at in changed:
                out.seek(at)
                out.write(chance.choice((before, after))[at])
        status, out, _ = machine.run("create ifBlank", "serial S1", cut="mark")
        assert status == 9 and "making" in out
        assert machine.run("create ifBlank", "serial S1", cut="table")[0] == 9
    machine.takes("create ifBlank", "serial S1")


def table_of(disk):
    sectors = {}
    with open(disk, "rb") as stream:
        for at in [*range(0, MIB, 512), *range(SIZE - MIB, SIZE, 512)]:
            stream.seek(at)
            sectors[at] = stream.read(512)
    return sectors


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


def test_changes_go_with_their_image_and_the_machine_id_stays(machine):
    machine.add_disk("sda", "S1")
    machine.takes("create ifBlank", "serial S1")
    state = machine.folder / "state"
    machine_id = (state / "machine-id").read_text()
    assert len(machine_id) == 33
    assert (state / "log/dpkg.log").read_text() == "of the image\n"
    (state / "root/changes/etc").mkdir()
    (state / "log/x").write_text("kept\n")
    machine.takes("create ifBlank", "serial S1")
    assert (state / "root/changes/etc").is_dir()
    (machine.folder / "muster/root").write_text(f"sha256:{'2' * 64} 5\n")
    machine.takes("create ifBlank", "serial S1")
    assert os.listdir(state / "root/changes") == [] and (state / "log/x").exists()
    assert (state / "machine-id").read_text() == machine_id
    # A cut in the middle of the removal: it is of no image, whichever starts next.
    (state / "image").unlink()
    (state / "root/changes/etc").mkdir()
    machine.takes("create ifBlank", "serial S1")
    assert os.listdir(state / "root/changes") == []
