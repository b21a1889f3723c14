"""What builds images, but for Debian's packages: what it refuses, and that the same tree gives the same bytes.
The whole image is built and started by tests/e2e/cases/disk_image."""
import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGES = os.path.join(REPOSITORY, "images")
sys.path[:0] = [IMAGES, os.path.join(IMAGES, "disk")]
sys.dont_write_bytecode = True

import ext4  # noqa: E402
import root_tree  # noqa: E402
from local_cluster import BUILD  # noqa: E402
from steps import Failure, Steps  # noqa: E402

pytestmark = pytest.mark.release_build
EPOCH = 1700000000
PLAN = {"name": "node", "architecture": "amd64", "format": "qcow2", "suite": "bookworm", "kernel": "cloud", "kernelArguments": [], "packages": [],
        "releases": [], "files": []}


# What this machine runs of another architecture's programs is by chance: here it is nothing.
RUNS_ITS_OWN_ALONE = '[ ! -e /proc/sys/fs/binfmt_misc ] || /usr/bin/mount -t tmpfs tmpfs /proc/sys/fs/binfmt_misc; exec "$0" "$@"'


def build(tmp_path, plan, path=None):
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", RUNS_ITS_OWN_ALONE, "/usr/bin/python3", os.path.join(IMAGES, "disk", "build"), "check",
                           str(tmp_path / "plan.json")], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: what it says to others is another text")
def test_everything_that_a_machine_lacks_is_told_at_once(tmp_path):
    other = {"amd64": "arm64", "arm64": "amd64"}[{"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]]
    this = {"amd64": "arm64", "arm64": "amd64"}[other]
    done = build(tmp_path, {**PLAN, "architecture": other}, path="/nowhere")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert "mmdebstrap" in lines[0] and "qemu-img" in lines[0] and lines[0].startswith("expected ")
    assert " found none; apt-get install " in lines[0] and lines[0].endswith("mmdebstrap mtools qemu-utils")
    assert lines[1:] == [f"architecture {other}: expected a machine of it, or one that runs its programs "
                         f"(apt-get install qemu-user-static binfmt-support), found {this}"]


def make_tree(root):
    folder = root / "opt/muster/releases/etcd/3.6.16"
    folder.mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/a name with spaces").write_text("x")
    for index in range(200):
        (root / "etc" / f"file-{index}").write_text(str(index))
    (folder / "bin").mkdir()
    (folder / "bin/etcd").write_text("#!/bin/true\n")
    manifest = json.dumps({"artifacts": [{"path": "bin/etcd"}]})
    (folder / "release.json").write_text(manifest)
    os.link(root / "etc/file-1", root / "etc/hard")
    os.symlink("file-1", root / "etc/soft")
    old = EPOCH - 1000
    os.utime(root / "etc/file-1", (old, old))


def make_file_system(folder):
    folder.mkdir()
    steps = Steps(["one"], str(folder / "log"))
    make_tree(folder / "root")
    for path in root_tree.walk(str(folder / "root")):
        when = min(int(os.lstat(path).st_mtime), EPOCH)
        os.utime(path, (when, when), follow_symlinks=False)
    image = str(folder / "root.img")
    ext4.make(steps, str(folder / "root"), image, "test", EPOCH)
    ext4.finish(steps, str(folder / "root"), image, EPOCH)
    return image


def debugfs(image, command):
    return subprocess.run(["debugfs", "-R", command, image], capture_output=True, text=True, check=True,
                          env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "DEBUGFS_PAGER": "cat"}).stdout


def test_the_same_tree_gives_the_same_bytes_and_the_agents_stamps(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    first = make_file_system(tmp_path / "a")
    time.sleep(1.1)  # other times of change, which mke2fs takes along
    second = make_file_system(tmp_path / "b")
    with open(first, "rb") as one, open(second, "rb") as other:
        assert hashlib.file_digest(one, "sha256").digest() == hashlib.file_digest(other, "sha256").digest()
    carried = json.loads(debugfs(first, "cat /opt/muster/carried-releases.json"))
    assert carried["version"] == "1" and list(carried["releases"]) == ["etcd/3.6.16"]
    status = debugfs(first, "stat /opt/muster/releases/etcd/3.6.16/bin/etcd")
    inode = status.split("Inode: ", 1)[1].split()[0]
    assert carried["releases"]["etcd/3.6.16"]["files"] == {"bin/etcd": f"12:{EPOCH}000000000:{inode}"}
    assert "User:     0   Group:     0" in debugfs(first, "stat /opt/muster/carried-releases.json")
    assert "Mode:  0644" in debugfs(first, "stat /opt/muster/carried-releases.json")


def test_a_link_in_the_tree_leads_no_file_out_of_it(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    os.symlink(outside, root / "etc")
    with pytest.raises(Failure, match="files: /etc/passwd: lies behind a link that leads out of the image"):
        root_tree.write(str(root), "/etc/passwd", "x", 0o644)
    assert not list(outside.iterdir())


def test_bytes_that_the_manifest_does_not_name_are_not_laid(tmp_path):
    folder = tmp_path / "etcd"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/etcd").write_text("altered")
    manifest = json.dumps({"artifacts": [{"path": "bin/etcd", "mode": "0755", "size": 7, "digest": "sha256:" + "0" * 64}]})
    (folder / "release.json").write_text(manifest)
    plan = {**PLAN, "releases": [{"name": "etcd", "version": "1", "folder": str(folder),
                                  "manifestDigest": "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()}]}
    with pytest.raises(Failure) as refusal:
        root_tree.lay_releases(Steps(["one"], str(tmp_path / "log")), plan, str(tmp_path / "root"))
    assert str(refusal.value) == (f"release etcd 1: {folder}/bin/etcd: expected digest sha256:{'0' * 64}, "
                                  f"found sha256:{hashlib.sha256(b'altered').hexdigest()}")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts a file system")
def test_what_is_mounted_in_a_folder_that_a_build_left_is_not_removed(tmp_path):
    """A builder's tree may have this machine's own /dev in it."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images/node.yaml").write_text("apiVersion: muster/v1\nkind: Image\nmetadata: {name: node}\nspec: {releases: {muster-agent: 0.1.0}}\n")
    release = tmp_path / "releases/muster-agent/0.1.0"
    (release / "bin").mkdir(parents=True)
    (release / "bin/x").write_text("x")
    subprocess.run([os.path.join(REPOSITORY, "scripts/components.d/manifest"), "muster-agent", "0.1.0", str(release)], check=True)
    muster = os.path.join(BUILD, "metadata-server", "cli", "muster")
    subprocess.run([muster, "document-key", "create", "--out", str(tmp_path / "key")], check=True, capture_output=True)
    left = tmp_path / "store/.building/root/dev"
    left.mkdir(parents=True)
    # The mount ends with the namespace.
    script = ('mount -t tmpfs none "$1" && touch "$1/kept" && shift && "$@"; status=$?; ls "$LEFT"; exit $status')
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(left), muster, "image", "--store",
                           str(tmp_path / "store"), "build", "node", "--images", str(tmp_path / "images"), "--image-key", str(tmp_path / "key"),
                           "--releases", str(tmp_path / "releases"), "--architecture", "amd64"],
                          capture_output=True, text=True, check=False, env={**os.environ, "LEFT": str(left)})
    assert (done.returncode, done.stdout) == (5, "kept\n"), done.stderr
    assert done.stderr.startswith(f"muster: '{tmp_path}/store/.building': expected nothing mounted below it, found '{left} tmpfs ")
    assert done.stderr.endswith("'; unmount it first\n")
