"""A partition of slots as a file: written by the root's program `slot`, read by GRUB itself (grub-emu), with what starts a machine there."""
import hashlib
import os
import re
import shutil
import subprocess
import sys

from initrd_machine import MIB, NETBOOT, REPOSITORY

sys.path[:0] = [os.path.join(REPOSITORY, "images"), NETBOOT]
sys.dont_write_bytecode = True

import loader  # noqa: E402
from steps import Steps  # noqa: E402

EPOCH = 1700000000
SECTORS = {"a": 2048, "b": 3094528}
STATE = (16, 24)
SLOTS_SIZE = 3022 * MIB
TOOLS = ("grub-mkimage", "grub-editenv", "grub-script-check", "grub-emu", "mkfs.vfat", "mcopy", "cpio", "veritysetup", "dmsetup")


def missing():
    lacking = [tool for tool in TOOLS if not shutil.which(tool)]
    return lacking + [path for path in ("/usr/lib/grub/i386-pc/boot.img", "/usr/lib/grub/x86_64-efi/linux.mod", "/usr/lib/ipxe/ipxe.lkrn") if not os.path.exists(path)]


def make_loader(folder):
    """boot.img, core.img and esp.img, of this machine's own packages."""
    work = folder / "loader-work"
    work.mkdir(parents=True)
    packages = work / "packages"
    for name in ("grub", "ipxe"):
        (packages / "usr/lib").mkdir(parents=True, exist_ok=True)
        shutil.copytree(f"/usr/lib/{name}", packages / "usr/lib" / name)
    (packages / "usr/bin").mkdir()
    shutil.copy(shutil.which("grub-mkimage"), packages / "usr/bin")
    loader.make(Steps(["loader"], str(work / "log")), str(packages), str(work), str(folder / "loader"), EPOCH)
    return folder / "loader"


def environment_of(partition, sector, sectors, folder):
    """What grub-editenv reads there; None: GRUB takes it for no environment."""
    block = folder / "block"
    with open(partition, "rb") as stream:
        stream.seek(sector * 512)
        block.write_bytes(stream.read(sectors * 512))
    done = subprocess.run(["grub-editenv", block, "list"], capture_output=True, text=True, check=False)
    return dict(line.split("=", 1) for line in done.stdout.splitlines()) if done.returncode == 0 else None


def block_of(state):
    return f"# GRUB Environment Block\nstate={state}\nagain={state}\n".ljust(512, "#").encode()


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Slots:
    """The partition, with the state as the initrd makes it."""

    def __init__(self, folder, loader_folder):
        self.folder, self.partition = folder, folder / "slots"
        for name in ("etc/muster", "scripts", "grub"):
            (folder / name).mkdir(parents=True)
        shutil.copy(loader_folder / "slots.img", self.partition)
        os.truncate(self.partition, SLOTS_SIZE)
        (folder / "etc/muster/agent.json").write_text("{}\n")
        (folder / "etc/muster/state-disk").write_text("machine lab/n1\ncreate never\nserial S1\n")
        (folder / "etc/hostname").write_text("n1\n")
        (folder / "grub/device.map").write_text(f"(hd0) {self.partition}\n")
        (folder / "grub/grub.cfg").write_text(f"set slots=(hd0)\nexport slots\nsource (host){NETBOOT}/grub.cfg\n")

    def starts(self):
        """What GRUB does at one start, in order, if nothing can be loaded: its emulator has no kernel to start."""
        done = subprocess.run(["grub-emu", "-d", self.folder / "grub", "-m", self.folder / "grub/device.map", "-r", "host"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "dumb"}, timeout=20, check=True)
        said = re.findall(r"muster: starting (?:from slot|by the) (\S+)( muster.trial)?", done.stdout)
        assert said, done.stdout + done.stderr
        return [where + (" tried" if trial else "") for where, trial in said]

    def fill(self, *slots):
        """A header for each, and nothing behind it."""
        for slot in slots:
            lines = ("# GRUB Environment Block", "kernel=4096+1", "initrd=4097+1", "machine=4098+1", f"id={slot}-id", f"image=image-{slot}/1", "")
            self.put(SECTORS[slot], "\n".join(lines).ljust(4096, "#").encode())

    def image(self, name, size=3 * MIB + 5):
        """Of a kernel, an initrd and a root that differ from any other's."""
        folder = self.folder / name
        folder.mkdir()
        for number, file in enumerate(("vmlinuz", "initrd", "root.squashfs")):
            (folder / file).write_bytes((f"{name} {file} ".encode() * (size // 8))[:size + number])
        return folder

    def order(self, folder, arguments="console=ttyS0"):
        words = {name: digest((folder / file).read_bytes()) for name, file in (("kernel", "vmlinuz"), ("initrd", "initrd"), ("root", "root.squashfs"))}
        text = f"image image-{folder.name}/1\nfolder {folder}\norder of-{folder.name}\n" + "".join(f"{name} {value}\n" for name, value in words.items())
        (self.folder / "order").write_text(f"{text}arguments {arguments}\n")

    def run(self, word, started="", trial=False, cut="none", nth=1):
        """`started`: the slot that runs; cut: the step at which power goes, the nth time."""
        with open(f"{NETBOOT}/slots.sh", encoding="ascii") as stream:
            (self.folder / "scripts/slots.sh").write_text(
                stream.read() + f'\nleft={nth}\nstep() {{ if [ "$1" = "{cut}" ]; then left=$((left - 1)); [ $left -gt 0 ] || exit 9; fi; }}\n')
        words = ["quiet", "muster.source=http://10.77.0.1:8080", *([f"muster.slot={started}/ID"] if started else []), *(["muster.trial"] if trial else [])]
        (self.folder / "cmdline").write_text(" ".join(words) + "\n")
        environment = {"PATH": os.environ["PATH"], "MUSTER_SLOT_SCRIPTS": str(self.folder / "scripts"), "MUSTER_SLOT_ORDER": str(self.folder / "order"),
                       "MUSTER_SLOT_SHOWN": str(self.folder / "shown/state"), "MUSTER_SLOT_ETC": str(self.folder / "etc"), "MUSTER_SLOT_REBOOT": "echo restarts",
                       "MUSTER_SLOT_CMDLINE": str(self.folder / "cmdline"), "MUSTER_SLOT_PARTITION": str(self.partition)}
        return subprocess.run(["sh", f"{NETBOOT}/slot", word], capture_output=True, text=True, env=environment, timeout=120, check=False)

    def does(self, word, started="", trial=False):
        done = self.run(word, started, trial)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, folder, started=""):
        self.order(folder)
        return self.does("write", started)

    def copy(self, sector):
        """The state as that copy has it; None: it is torn."""
        found = environment_of(self.partition, sector, 1, self.folder) or {}
        return found["state"] if found.get("state") and found["state"] == found.get("again") else None

    def state(self):
        """As GRUB takes it."""
        return self.copy(STATE[0]) or self.copy(STATE[1])

    def set_state(self, word):
        for sector in STATE:
            self.put(sector, block_of(word))

    def shown(self):
        """Of each name that `slot show` has, what follows it."""
        self.does("show")
        return dict(line.split(" ", 1) for line in (self.folder / "shown/state").read_text().splitlines())

    def put(self, sector, data):
        with open(self.partition, "r+b") as out:
            out.seek(sector * 512)
            out.write(data)

    def header(self, slot):
        return environment_of(self.partition, SECTORS[slot], 8, self.folder) or {}

    def piece(self, slot, name, size):
        with open(self.partition, "rb") as stream:
            stream.seek(int(self.header(slot)[name].split("+")[0]) * 512)
            return stream.read(size)

    def holds(self, slot):
        """The image of which the slot is whole; None: of none, or it is broken."""
        header = self.header(slot)
        if "image" not in header:
            return None
        folder = self.folder / header["image"].removeprefix("image-").removesuffix("/1")
        for name, file in (("kernel", "vmlinuz"), ("initrd", "initrd"), ("root", "root.squashfs")):
            data = (folder / file).read_bytes()
            if self.piece(slot, name, len(data)) != data:
                return None
        return folder.name
