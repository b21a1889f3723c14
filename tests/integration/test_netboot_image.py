"""What makes the netboot image, but for Debian's packages, and what its initrd does once the root is there."""
import hashlib
import os
import shutil
import subprocess
import sys

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGES = os.path.join(REPOSITORY, "images")
NETBOOT = os.path.join(IMAGES, "netboot")
sys.path[:0] = [IMAGES, NETBOOT]
sys.dont_write_bytecode = True

import initrd  # noqa: E402
from steps import Steps  # noqa: E402

pytestmark = [pytest.mark.release_build,
              pytest.mark.skipif(not all(map(shutil.which, ("busybox", "mksquashfs", "cpio"))), reason="needs busybox, squashfs-tools and cpio: scripts/setup")]
EPOCH = 1700000000
CARRIED = '{"releases":{},"version":"1"}'
PIN = f"sha256:{'a' * 64}"
MODULES = {"kernel/fs/squashfs/squashfs.ko": "kernel/lib/xxhash.ko", "kernel/lib/xxhash.ko": "", "kernel/drivers/net/dummy/a.ko": "kernel/drivers/other/b.ko",
           "kernel/drivers/other/b.ko": "kernel/drivers/other/c.ko", "kernel/drivers/other/c.ko": "", "kernel/drivers/sound/d.ko": "kernel/drivers/other/c.ko"}


@pytest.fixture
def parts(tmp_path):
    modules = tmp_path / "modules"
    for name in MODULES:
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (modules / name).write_bytes(b"")
    (modules / "modules.dep").write_text("".join(f"{name}: {needs}\n" for name, needs in MODULES.items()))
    root = tmp_path / "root"
    for folder in ("etc", "sbin", "var/lib/containerd"):
        (root / folder).mkdir(parents=True)
    (root / "etc/motd").write_text("of the image\n")
    subprocess.run(["mksquashfs", root, tmp_path / "root.squashfs", "-quiet", "-no-progress"], check=True)
    return {"busybox": shutil.which("busybox"), "modules": str(modules), "version": "6.1.0-1-cloud-amd64", "firmware": str(tmp_path / "none"),
            "root": str(tmp_path / "root.squashfs"), "kernel": "cloud", "pin": PIN, "carried": CARRIED, "verity": "1 HASH", "programs": []}


@pytest.fixture
def tree(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(initrd, "firmware_of", lambda *_: [])
    initrd.lay(Steps(["initrd"], str(tmp_path / "log")), parts, str(tmp_path / "tree"))
    return tmp_path / "tree"


def test_only_drivers_that_bring_network_and_root_are_there_with_what_they_need(parts, tree):
    found = sorted(os.path.relpath(os.path.join(folder, name), tree / "lib/modules" / parts["version"])
                   for folder, _, names in os.walk(tree / "lib/modules") for name in names if name.endswith(".ko"))
    assert found == sorted(name for name in MODULES if not name.endswith("d.ko"))


def test_each_chunk_of_the_root_is_named(parts, tree):
    with open(parts["root"], "rb") as stream:
        data = stream.read()
    assert (tree / "muster/root").read_text() == f"sha256:{hashlib.sha256(data).hexdigest()} {len(data)}\n"
    assert (tree / "muster/chunks").read_text() == hashlib.sha256(data).hexdigest() + "\n"
    assert (tree / "muster/site-pin").read_text() == PIN + "\n"


def test_the_initrd_has_every_word_that_its_scripts_call_and_no_shell_for_people(tree):
    have = set(os.listdir(tree / "bin"))
    assert {"wget", "sha256sum", "dd", "truncate", "switch_root", "udhcpc", "modprobe", "timeout", "usleep", "stat", "sh"} <= have
    assert not {"login", "getty", "telnet", "nc", "vi"} & have


def test_the_machines_archive_behind_it_begins_where_the_kernel_looks(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(initrd, "lay", lambda *_: None)
    for length in range(8):
        monkeypatch.setattr(initrd, "newc", lambda *_, length=length: os.urandom(100 + length))
        initrd.make(Steps(["initrd"], str(tmp_path / "log")), parts, str(tmp_path), str(tmp_path / "initrd.img"), EPOCH)
        assert os.path.getsize(tmp_path / "initrd.img") % 4 == 0
        os.unlink(tmp_path / "initrd.img")


def test_the_same_tree_gives_the_same_bytes_which_cpio_reads(tmp_path, tree):
    archive = initrd.newc(str(tree), EPOCH)
    os.utime(tree / "init")
    assert initrd.newc(str(tree), EPOCH) == archive
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "--extract", "--quiet", "--preserve-modification-time"], input=archive, cwd=out, check=True)
    subprocess.run(["diff", "--recursive", "--no-dereference", tree, out], check=True)
    assert os.stat(out / "init").st_mode & 0o777 == 0o755
    assert os.stat(out / "muster/chunks").st_mtime == EPOCH
    listed = subprocess.run(["cpio", "--list", "--quiet", "--numeric-uid-gid", "-v"], input=archive, capture_output=True, check=True).stdout.decode()
    assert all(line.split()[2:4] == ["0", "0"] for line in listed.splitlines())


def run_in(tree, parts, words):
    """The initrd's own functions, in its own file system, in namespaces: mounts are real, the reboot is not."""
    text = (tree / "init").read_text()
    assert text.endswith("\nmain\n")
    (tree / "try").write_text(text[:-len("main\n")] + words)
    shutil.copy(parts["root"], tree / "image/root.squashfs")
    environment = {"PATH": "/bin", "MUSTER_PAUSE": "0", "MUSTER_REBOOT": "exit 7"}
    return subprocess.run(["/usr/bin/unshare", "--mount", "--net", "/usr/sbin/chroot", tree, "/bin/sh", "/try"], capture_output=True, text=True, env=environment,
                          check=False)


def settings(tree, pin):
    (tree / "muster/agent.json").write_text(f'{{"sitePin": "{pin}"}}\n')
    (tree / "muster/hostname").write_text("n1\n")


CAME_BY = "02:4d:55:00:00:33"
LOOK = f"""
came_by={CAME_BY}
""" + """
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mount_root
place_settings
cat /root/etc/motd /root/etc/hostname /root/etc/muster/agent.json
stat -c %a /root/etc/muster/agent.json
for folder in containerd kubelet muster; do grep -c "^[^ ]* /root/var/lib/$folder tmpfs" /proc/mounts; done
grep -c "^overlay /root overlay" /proc/mounts
grep -x -e "MACAddress=.*" -e "KeepConfiguration=.*" /root/etc/systemd/network/20-muster-boot.network
cat /root/opt/muster/carried-releases.json
echo
echo x > /root/var/lib/containerd/x && echo x > /root/etc/x && echo written
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts")
def test_the_root_is_writable_in_memory_and_the_machine_gets_its_settings(tree, parts):
    settings(tree, PIN)
    done = run_in(tree, parts, LOOK)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["of the image", "n1", f'{{"sitePin": "{PIN}"}}', "600", "1", "1", "1", "1",
                                        f"MACAddress={CAME_BY}", "KeepConfiguration=dhcp", CARRIED, "written"]


# A link that is up cannot be renamed, and networkd then waits for it for ever.
RELEASE = """
mount -t sysfs sysfs /sys
interfaces() { echo lo; }
ip link set lo up
ip addr add 10.77.0.51/24 dev lo
release_network
ip addr show lo
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts")
def test_the_interface_is_left_as_a_start_from_a_disk_would_find_it(tree, parts):
    done = run_in(tree, parts, RELEASE)
    assert "UP" not in done.stdout and "inet" not in done.stdout and "lo:" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts")
def test_settings_of_another_site_end_in_a_reboot_with_the_reason(tree, parts):
    settings(tree, f"sha256:{'b' * 64}")
    done = run_in(tree, parts, LOOK)
    assert done.returncode == 7
    assert done.stdout == f"muster: settings: the settings are another site's: expected the pin {PIN}\nmuster: restarting in 0 s\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts")
def test_a_root_that_is_none_ends_in_a_reboot(tree, parts):
    (tree / "image").mkdir(exist_ok=True)
    with open(parts["root"], "wb") as out:
        out.write(b"no file system")
    done = run_in(tree, parts, LOOK)
    assert done.returncode == 7
    assert "muster: root: the root cannot be mounted\n" in done.stdout
