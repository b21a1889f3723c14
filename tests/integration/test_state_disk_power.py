"""The state disk where power goes: at each step of its making and of its first start, in any part of what is written; and from image to image."""
import os
import random
import shutil
import subprocess

import pytest
from initrd_machine import MIB, PIN, PLACE, SIZE, Machine, filesystem, gpt, inside, missing, sha

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(bool(missing()), reason="needs busybox, fdisk, e2fsprogs: scripts/setup")]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("cut", ["mark", "cleared", "filesystem", "table"])
@pytest.mark.parametrize("first", ["ifBlank", "wipe"])
def test_what_a_power_cut_leaves_is_made_anew_without_a_word(machine, cut, first):
    disk = machine.add_disk("sda", "S1")
    if first == "wipe":
        gpt(disk)
    status, out, err = machine.run(f"create {first}", "serial S1", *(["wipe 7 S1"] if first == "wipe" else []), cut=cut)
    assert status == 9, out + err
    before = sha(disk)
    assert "the making of the state on sda was cut off" in machine.refused("create never", "serial S1")
    assert "sda: 0 GiB, serial S1, WWN none, path unknown: a half-made state disk of Muster's" in machine.refused("create never", "serial S2")
    assert sha(disk) == before
    assert "making" in machine.takes(f"create {first}", "serial S1")
    assert "making the" not in machine.takes(f"create {first}", "serial S1")
    if first == "wipe":  # by the order that was cut off, which is done
        inside(disk, "mkdir enrolled")
        assert "making the" not in machine.takes("create wipe", "serial S1", "wipe 7 S1")


@pytest.mark.parametrize("cut", ["mark", "cleared", "filesystem", "table"])
@pytest.mark.parametrize("was, now", [({"serial": "S2"}, {"serial": "S1"}), ({"serial": "S1", "wwn": "naa.5000c500a1b2c3d5"},
                                      {"serial": "S1", "wwn": "naa.5000c500a1b2c3d4"}), ({"by_path": f"{PLACE}x"}, {"by_path": PLACE})], ids=["serial", "wwn", "path"])
def test_another_disks_unfinished_making_gives_no_right(machine, cut, was, now):
    """A copy of it, sector by sector; or the disk is another one than that in which it was begun."""
    copied = machine.add_disk("sdb", **was)
    told = f"serial {was['serial']}" if "serial" in was else f"path /dev/disk/by-path/{was['by_path']}"
    assert machine.run("create ifBlank", told, cut=cut)[0] == 9
    disk = machine.add_disk("sda", **now)
    shutil.copyfile(copied, disk)
    shutil.rmtree(machine.folder / "sys/block/sdb")
    before = sha(disk)
    told = f"serial {now['serial']}" if "serial" in now else f"path /dev/disk/by-path/{PLACE}"
    for create in ("ifBlank", "never", "wipe"):
        text = machine.refused(f"create {create}", told)
        assert "the half-made state of another disk: " in text, text
    assert sha(disk) == before
    if "serial" in now:
        assert "making" in machine.takes("create wipe", told, f"wipe 7 {now['serial']}")


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


class Images:
    """Starts by one of several, on a state that is a folder."""

    def __init__(self, machine):
        self.machine, self.state = machine, machine.folder / "state"
        machine.add_disk("sda", "S1")

    def start(self, digit, cut="none"):
        """The folder of what was changed of that image; None where the start was cut off."""
        (self.machine.folder / "muster/root").write_text(f"sha256:{digit * 64} 5\n")
        status, out, err = self.machine.run("create ifBlank", "serial S1", words='use_state_disk; echo "changes $changes"', cut=cut)
        assert status == (0 if cut == "none" else 9), out + err
        if cut != "none":
            return None
        folder = out.splitlines()[-1].removeprefix("changes ")
        assert os.path.isdir(f"{folder}/work")
        return f"{folder}/changes"

    def keep(self, digit):
        os.makedirs(f"{self.start(digit)}/etc")

    def keeps(self, digit):
        return os.listdir(self.start(digit)) == ["etc"]


def test_the_machine_id_and_the_logs_stay_over_images(machine):
    images = Images(machine)
    images.start("1")
    machine_id = (images.state / "machine-id").read_text()
    assert len(machine_id) == 33
    assert (images.state / "log/dpkg.log").read_text() == "of the image\n"
    (images.state / "log/x").write_text("kept\n")
    images.start("2")
    assert (images.state / "log/x").exists() and (images.state / "machine-id").read_text() == machine_id


def test_an_image_starts_with_what_it_had_also_where_the_one_after_it_failed(machine):
    images = Images(machine)
    images.keep("1")
    assert images.keeps("1")
    assert not images.keeps("2")
    assert images.keeps("1")  # back: with its secrets
    assert not images.keeps("3")
    assert images.keeps("1")
    images.keep("3")
    images.keep("4")
    assert sorted(os.listdir(images.state / "root")) == ["3" * 64, "4" * 64]  # of the last two
    assert images.keeps("3") and not images.keeps("1")


@pytest.mark.parametrize("cut", ["removed", "half-images"])
def test_what_is_half_removed_is_of_no_image(machine, cut):
    images = Images(machine)
    for digit in "123":
        images.keep(digit)
    half = images.state / "root" / ("1" * 64)
    (half / "changes/etc").mkdir(parents=True)  # its removal was cut off
    assert images.start("1", cut=cut) is None
    assert images.keeps("3") and images.keeps("2")
    (half / "changes/etc").mkdir(parents=True)
    assert not images.keeps("1")


# ---- Power cuts, with a real mount: what is not on the disk by then is lost.
# (e2fsck that replays a journal forgets an offset.)
MOUNT = f"""
partition_device() {{ /sbin/losetup --find --show --offset {MIB} --sizelimit {SIZE - 2 * MIB} "$dev/sda" > "$dev/loop" && cat "$dev/loop"; }}
mount() {{ /bin/mount "$@"; }}
"""


def can_mount():
    return os.geteuid() == 0 and subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode == 0


class Mounting:
    """A machine whose state is mounted, and which is switched off as its start ends, in order or at a step of it."""

    def __init__(self, machine):
        self.machine, self.disk = machine, machine.add_disk("sda", "S1")
        self.other = machine.add_disk("sdb", "S2")
        filesystem(self.other)

    def start(self, *told, cut="none", words=""):
        status, out, err = self.machine.run(*told, words=f"{MOUNT}\nuse_state_disk\n{words}", cut=cut)
        kept = f"{self.disk}.kept"
        shutil.copyfile(self.disk, kept)  # as it is now: what umount writes never came
        if os.path.ismount(self.machine.folder / "state"):
            subprocess.run(["umount", self.machine.folder / "state"], check=True)
        loop = self.machine.folder / "dev/loop"
        if loop.exists():
            subprocess.run(["losetup", "--detach", loop.read_text().strip()], check=True)
            loop.unlink()
        os.replace(kept, self.disk)
        return status, out + err

    def check(self):
        loop = subprocess.run(["losetup", "--find", "--show", "--offset", str(MIB), self.disk], capture_output=True, text=True, check=True).stdout.strip()
        try:
            done = subprocess.run(["e2fsck", "-fp", loop], capture_output=True, text=True, check=False)
        finally:
            subprocess.run(["losetup", "--detach", loop], check=True)
        assert done.returncode in (0, 1), done.stdout + done.stderr


STEPS = ("mark", "cleared", "filesystem", "table", "made", "mounted", "half-machine", "removed", "half-images", "half-log", "half-machine-id")


@pytest.mark.skipif(not can_mount(), reason="needs root and loop devices")
@pytest.mark.parametrize("cut, wiped", [*((cut, False) for cut in STEPS), *((cut, True) for cut in STEPS[:6])])
def test_a_power_cut_at_any_step_ends_usable(machine, cut, wiped):
    site, told = Mounting(machine), ["create ifBlank"]
    if wiped:
        told = ["create wipe", "wipe 7 S1"]
        filesystem(site.disk)
    before = sha(site.other)
    assert site.start(*told, "serial S1", cut=cut)[0] == 9
    assert site.start(*told, "serial S1", cut=cut)[0] in (0, 9)  # and once more there, where it is come by again
    status, said = site.start(*told, "serial S1", words='echo kept > "$state/muster"; sync')
    assert status == 0, said
    # Another cut, right after it enrolled: it is who it was.
    status, said = site.start(*told, "serial S1", words='cat "$state/muster" "$state/machine" "$state/log/dpkg.log"; ls "$changes"; wc -c < "$state/machine-id"')
    assert (status, "making the" in said) == (0, False), said
    assert said.splitlines()[-6:] == ["kept", f"lab/n1 {PIN}", "of the image", "changes", "work", "33"]
    site.check()
    assert sha(site.other) == before


@pytest.mark.skipif(not can_mount(), reason="needs root and loop devices")
@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_while_the_file_system_is_made_ends_usable(machine, seed):
    """Any part of what mke2fs writes, in any order."""
    site = Mounting(machine)
    assert site.start("create ifBlank", "serial S1", cut="cleared")[0] == 9
    before = site.disk.read_bytes()
    assert site.start("create ifBlank", "serial S1", cut="filesystem")[0] == 9
    after = site.disk.read_bytes()
    changed = [at for at in range(0, SIZE, 4096) if before[at:at + 4096] != after[at:at + 4096]]
    assert len(changed) >= 10
    chance = random.Random(seed)
    torn = bytearray(before)
    for at in changed:
        if chance.random() < (seed + 1) / 5:
            torn[at:at + 4096] = after[at:at + 4096]
    site.disk.write_bytes(torn)
    status, said = site.start("create ifBlank", "serial S1")
    assert (status, "making the" in said) == (0, True), said
    site.check()
