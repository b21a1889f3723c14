"""The initrd: busybox, the drivers that bring the network and the root, our scripts, and what the root must be, chunk by chunk."""
import hashlib
import os
import re
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 2 << 20
# What a slot may lie on.
DISKS = ["drivers/block/virtio_blk.ko", "drivers/block/xen-blkfront.ko", "drivers/nvme/host", "drivers/ata", "drivers/message/fusion", "drivers/usb/storage",
         *(f"drivers/scsi/{name}" for name in ("sd_mod.ko", "virtio_scsi.ko", "hv_storvsc.ko", "aacraid", "hpsa.ko", "isci", "megaraid", "mpt3sas", "mvsas", "smartpqi"))]
# A root that is read from there; and what ends a hang.
SLOTS = ["drivers/md/dm-verity.ko", "drivers/watchdog", "drivers/mfd/lpc_ich.ko", "drivers/i2c/busses/i2c-i801.ko"]
# Below kernel/ of the modules' folder: what may stand between a machine and its root. What these need comes with them.
WANTED = {"cloud": ["drivers/net", "drivers/virtio", "drivers/pci", "drivers/hv", "drivers/xen", "net/core", "net/packet", *DISKS],
          "generic": ["drivers/net/ethernet", "drivers/net/phy", "drivers/net/mdio", "drivers/virtio", "drivers/net/virtio_net.ko", "drivers/pci", "net/core",
                      "net/packet", "drivers/infiniband/hw/mlx5", *DISKS]}
SCRIPTS = [("init.sh", "init", 0o755), ("udhcpc.sh", "muster/udhcpc", 0o755),
           *((name, f"muster/{name}", 0o644) for name in ("fetch.sh", "disks.sh", "state_disk.sh", "slots.sh", "slot_start.sh"))]
ALWAYS = ["fs/squashfs", "fs/overlayfs", "drivers/block/loop.ko", "crypto", "arch/x86/crypto", "lib", *SLOTS]


def chunks_of(file):
    """[hexadecimal SHA-256 of each 2 MiB], "sha256:..." of the whole, and its size"""
    digests, whole, size = [], hashlib.sha256(), 0
    with open(file, "rb") as stream:
        while piece := stream.read(CHUNK):
            digests.append(hashlib.sha256(piece).hexdigest())
            whole.update(piece)
            size += len(piece)
    return digests, f"sha256:{whole.hexdigest()}", size


def needed_modules(folder, wanted):
    """Paths below `folder` (of modules.dep) that begin so, and all that they depend on."""
    depends = {}
    with open(f"{folder}/modules.dep", encoding="ascii") as stream:
        for line in stream:
            name, _, needs = line.partition(":")
            depends[name] = needs.split()
    chosen, left = set(), [name for name in depends if any(name == f"kernel/{path}" or name.startswith(f"kernel/{path}/") for path in wanted)]
    while left:
        name = left.pop()
        if name not in chosen:
            chosen.add(name)
            left += depends.get(name, [])
    return sorted(chosen)


def firmware_of(steps, modules):
    """What the drivers say that they ask for."""
    names = set()
    for module in modules:
        names.update(steps.run("modinfo", "-F", "firmware", module, quiet=True).split())
    return sorted(names)


def lay(steps, parts, tree):
    for folder in ("bin", "muster", "proc", "sys", "dev", "run", "image", "lower", "state", "root"):
        os.makedirs(f"{tree}/{folder}")
    shutil.copyfile(parts["busybox"], f"{tree}/bin/busybox")
    os.chmod(f"{tree}/bin/busybox", 0o755)
    for applet in applets():
        os.symlink("busybox", f"{tree}/bin/{applet}")
    for name, target, mode in SCRIPTS:
        shutil.copyfile(f"{HERE}/{name}", f"{tree}/{target}")
        os.chmod(f"{tree}/{target}", mode)
    for source, target in parts["programs"]:
        os.makedirs(os.path.dirname(f"{tree}/{target}"), exist_ok=True)
        shutil.copyfile(source, f"{tree}/{target}")
        os.chmod(f"{tree}/{target}", 0o755)
    digests, digest, size = chunks_of(parts["root"])
    texts = {"chunks": "".join(f"{each}\n" for each in digests), "root": f"{digest} {size}\n"}
    texts["verity"] = parts["verity"] + "\n"
    if parts["pin"]:
        texts["site-pin"] = parts["pin"] + "\n"
    if parts["carried"]:
        texts["carried-releases.json"] = parts["carried"]
    for name, text in texts.items():
        with open(f"{tree}/muster/{name}", "w", encoding="ascii") as out:
            out.write(text)
    lay_modules(steps, parts, tree)


def lay_modules(steps, parts, tree):
    target = f"{tree}/lib/modules/{parts['version']}"
    chosen = needed_modules(parts["modules"], ALWAYS + WANTED[parts["kernel"]])
    for name in chosen + ["modules.builtin", "modules.builtin.modinfo", "modules.order"]:
        if os.path.exists(f"{parts['modules']}/{name}"):
            os.makedirs(os.path.dirname(f"{target}/{name}"), exist_ok=True)
            shutil.copyfile(f"{parts['modules']}/{name}", f"{target}/{name}")
    steps.run("depmod", "-b", tree, parts["version"])
    if os.path.isdir(parts["firmware"]):
        for name in firmware_of(steps, [f"{target}/{each}" for each in chosen]):
            if os.path.isfile(f"{parts['firmware']}/{name}"):
                os.makedirs(os.path.dirname(f"{tree}/lib/firmware/{name}"), exist_ok=True)
                shutil.copyfile(f"{parts['firmware']}/{name}", f"{tree}/lib/firmware/{name}")


def applets():
    """The words that our scripts call; whatever else busybox can do is not there."""
    words = set()
    for name, _, _ in SCRIPTS:
        with open(f"{HERE}/{name}", encoding="ascii") as stream:
            words.update(re.findall(r"[a-z_]+[0-9a-z]*", re.sub(r"#.*", "", stream.read())))
    known = {"sh", "cat", "cp", "cut", "dd", "find", "grep", "ip", "kill", "mkdir", "modprobe", "mount", "printf", "read", "reboot", "sed", "sha256sum", "sleep",
             "sort", "stat", "switch_root", "timeout", "tr", "truncate", "udhcpc", "umount", "usleep", "wc", "wget", "xargs", "basename", "dirname", "echo", "test",
             "chroot", "rm", "mv", "sync", "tail", "head", "losetup", "seq", "watchdog"}
    return sorted(words & known | {"sh", "["})


def newc(tree, epoch):
    """The tree as cpio's "newc", sorted, root's, of one time: the same tree gives the same bytes."""
    archive, inode = bytearray(), 0

    def add(name, mode, content):
        nonlocal inode
        inode += 1
        fields = (inode, mode, 0, 0, 1, epoch if mode else 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        archive.extend(b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0")
        archive.extend(bytes(-len(archive) % 4))
        archive.extend(content)
        archive.extend(bytes(-len(archive) % 4))

    for folder, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted(files + folders):
            path = f"{folder}/{name}"
            status, short = os.lstat(path), os.path.relpath(path, tree)
            if os.path.islink(path):
                add(short, 0o120777, os.readlink(path).encode())
            elif os.path.isdir(path):
                add(short, 0o040755, b"")
            else:
                with open(path, "rb") as stream:
                    add(short, 0o100000 | status.st_mode & 0o777, stream.read())
    add("TRAILER!!!", 0, b"")
    return bytes(archive)


def make(steps, parts, work, file, epoch):
    tree = os.path.join(work, "initrd")
    lay(steps, parts, tree)
    with open(f"{work}/initrd.cpio", "wb") as out:
        out.write(newc(tree, epoch))
    steps.run("zstd", "-q", "-19", "-T1", "--no-progress", "-o", file, f"{work}/initrd.cpio")
    # What follows it in memory is the machine's own archive, which the kernel finds at a multiple of four alone. iPXE sees to
    # that; the kernel's EFI stub lays one behind the other as they are.
    with open(file, "ab") as out:
        out.write(bytes(-out.tell() % 4))
