"""dm-verity over the root, for a machine that reads it from a slot of its disk: the tree of digests behind the file, its root for the initrd."""
import os
import re

BLOCK = 4096
PROGRAM = "/sbin/dmsetup"  # Debian's systemd brings it into every root


def protect(steps, file):
    """Appends the tree; "BLOCKS HASH": of how many blocks, and its root. No salt: the same root gives the same bytes."""
    size = os.path.getsize(file)
    with open(file, "ab") as out:
        out.write(bytes(-size % BLOCK))
        size = out.tell()
    said = steps.run("veritysetup", "format", "--no-superblock", "--salt=-", "--hash=sha256", f"--data-blocks={size // BLOCK}", f"--hash-offset={size}", file, file)
    found = re.search(r"Root hash:\s*([0-9a-f]{64})", said)[1]
    return f"{size // BLOCK} {found}"


def programs(steps, root):
    """[(file, its place in the initrd)]: what sets it up, with its libraries."""
    said = steps.run("chroot", root, "ldd", PROGRAM)
    paths = re.findall(r"(/\S+) \(0x", said)
    return [(os.path.realpath(root + PROGRAM), "bin/dmsetup"), *((resolve(root, path), path[1:]) for path in paths)]


def resolve(root, path):
    """Of a link, which leads within the root."""
    for _ in range(8):
        folder = os.path.realpath(root + os.path.dirname(path))
        path = f"{folder[len(root.rstrip('/')):]}/{os.path.basename(path)}"
        if not os.path.islink(root + path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(root + path))
    return root + path
