"""A netboot image that gets as far as its root and no further: its initrd is the real one, its root a few of this machine's own programs."""
import hashlib
import os
import re
import shutil
import subprocess
import sys

from initrd_machine import NETBOOT, REPOSITORY

sys.path[:0] = [os.path.join(REPOSITORY, "images"), NETBOOT]
sys.dont_write_bytecode = True

import initrd  # noqa: E402
import verity  # noqa: E402
from steps import Steps  # noqa: E402

EPOCH = 1700000000
# What the initrd calls of a root for the sake of the state disk; and what hangs.
PROGRAMS = ("sfdisk", "mke2fs", "e2fsck", "wipefs", "partx", "modprobe", "busybox")
INIT = """#!/bin/busybox sh
echo "root: up, and hanging"
while true; do /bin/busybox sleep 1000; done
"""


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def libraries(program):
    found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", found)


def make_root(root, modules):
    for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc/muster", "proc", "sys", "dev", "run", "tmp", "var/lib", "var/log", "opt"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{name}", root / name)
    for name in PROGRAMS:
        path = shutil.which(name)
        for file in [path, *libraries(path)]:
            target = root / os.path.realpath(os.path.dirname(file))[1:] / os.path.basename(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(os.path.realpath(file), target)
            target.chmod(0o755)
    for name in PROGRAMS:  # by either path
        for folder, other in (("bin", "sbin"), ("sbin", "bin")):
            if (root / f"usr/{folder}/{name}").exists() and not (root / f"usr/{other}/{name}").exists():
                os.symlink(f"../{folder}/{name}", root / f"usr/{other}/{name}")
    shutil.copytree(modules, root / "usr/lib/modules", symlinks=True)
    (root / "usr/sbin/init").write_text(INIT)
    (root / "usr/sbin/init").chmod(0o755)


def hang(folder, modules, work):
    """Of the image in `folder`, whose kernel's modules are in `modules`: another initrd and root, which hang."""
    root, file = work / "root", folder / "root.squashfs"
    make_root(root, modules)
    version, = os.listdir(modules)
    for old in (file, folder / "initrd"):
        old.unlink()
    subprocess.run(["mksquashfs", root, file, "-quiet", "-no-progress", "-comp", "zstd", "-Xcompression-level", "3"], check=True)
    steps = Steps(["initrd"], str(work / "log"))
    parts = {"busybox": shutil.which("busybox"), "modules": str(modules / version), "version": version, "firmware": "/nonexistent", "root": str(file),
             "kernel": "cloud", "pin": "", "carried": "", "verity": verity.protect(steps, str(file)), "programs": verity.programs(steps, "/")}
    initrd.make(steps, parts, str(work), str(folder / "initrd"), EPOCH)
