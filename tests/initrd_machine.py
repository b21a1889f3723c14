"""A machine in its initrd, as far as its disks go: state_disk.sh in its own shell, with the root's tools, on files as disks."""
import os
import shutil
import subprocess

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NETBOOT = os.path.join(REPOSITORY, "images", "netboot")
TOOLS = ("busybox", "sfdisk", "mke2fs", "e2fsck", "wipefs", "partx", "debugfs")
MIB = 1 << 20
SIZE = 40 * MIB
TYPE = "7111afa7-0c7b-46ab-a745-bea77ebbdce0"
PIN = f"sha256:{'a' * 64}"
PLACE = "pci-0000:01:00.0-nvme-1"


def missing():
    return [tool for tool in TOOLS if not shutil.which(tool)]


# What init.sh has, and what stands for a kernel: files in the place of devices. A partition's file system is told to e2fsck by its offset.
BEFORE = """
say() { echo "muster: $*"; }
enter() { phase=$1; echo "phase $1"; }
stop() { say "$phase: $*"; exit 1; }
. NETBOOT/slots.sh
. NETBOOT/slot_start.sh
. NETBOOT/disks.sh
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


def sha(disk):
    return subprocess.run(["sha256sum", disk], capture_output=True, check=True).stdout


def inside(disk, command):
    """debugfs in the state's file system."""
    return subprocess.run(["debugfs", "-w", "-R", command, f"{disk}?offset={MIB}"], capture_output=True, text=True, check=True).stdout


def shown(disk):
    """(type, first sector, sectors) of each partition."""
    out = subprocess.run(["partx", "--raw", "--noheadings", "--output", "TYPE,START,SECTORS", disk], capture_output=True, text=True, check=True).stdout
    return [(kind, int(start), int(count)) for kind, start, count in (line.split() for line in out.splitlines())]


def gpt(disk):
    subprocess.run(["sfdisk", "--quiet", disk], input="label: gpt\nsize=100MiB\n", text=True, check=True)


def filesystem(disk):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", disk], check=True)
