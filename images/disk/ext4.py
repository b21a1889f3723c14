"""The root file system, made of a tree without mounting anything, the same bytes for the same tree."""
import os
import re
import uuid

import carried

MEBIBYTE = 1 << 20


def uuid_of(identity):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, identity))


def make(steps, root, image, identity, epoch):
    """Room for the tree, and enough to boot on before the disk is grown."""
    name = uuid_of(identity)
    used = sum((os.lstat(path).st_size // 4096 + 1) * 4096 for path in tree(root))
    size = (used * 115 // 100 // MEBIBYTE + 192) * MEBIBYTE
    with open(image, "wb") as out:
        out.truncate(size)
    # Debian's GRUB reads neither of the two features that are left out.
    steps.run("mke2fs", "-q", "-t", "ext4", "-d", root, "-L", "root", "-U", name, "-O", "^metadata_csum_seed,^orphan_file",
              "-E", f"hash_seed={name},assume_storage_prezeroed=1,root_owner=0:0", image, environment=at(epoch))


def at(epoch):
    return {**os.environ, "E2FSPROGS_FAKE_TIME": str(epoch), "LC_ALL": "C"}


def tree(root):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            yield f"{folder}/{name}"


def finish(steps, root, image, epoch):
    """Tells the agent what was verified, sets the times that mke2fs took from this machine, and checks all."""
    paths = [f"{folder}/{artifact['path']}" for _, _, folder in carried.releases_in(root) for artifact in carried.artifacts(root, folder)]
    if paths:
        local = f"{image}.carried"
        with open(local, "w", encoding="ascii") as out:
            out.write(carried.stamps(root, dict(zip(paths, inodes_of(steps, image, paths), strict=True))))
        os.chmod(local, 0o644)
        os.utime(local, (epoch, epoch))
        debugfs(steps, image, [f"write {local} {carried.PATH}"], epoch)
        os.unlink(local)
    times = [f"sif <{inode}> {field} @{epoch}" for inode in used_inodes(steps, image) for field in ("ctime", "atime")]
    debugfs(steps, image, times, epoch)
    steps.run("e2fsck", "-f", "-n", image, environment=at(epoch))


def inodes_of(steps, image, paths):
    return re.findall(r"^Inode: (\d+) ", debugfs(steps, image, [f'stat "{path}"' for path in paths]), re.MULTILINE)


def debugfs(steps, image, commands, epoch=0):
    environment = {**at(epoch), "DEBUGFS_PAGER": "cat"}
    return steps.run("debugfs", *(["-w"] if epoch else []), "-f", "-", image, text_input="\n".join(commands) + "\n", environment=environment,
                     quiet=True)


def used_inodes(steps, image):
    shown = steps.run("dumpe2fs", image, environment=at(0), quiet=True)
    count = int(re.search(r"^Inode count: +(\d+)", shown, re.MULTILINE)[1])
    free = set()
    for line in re.findall(r"^  Free inodes: (.+)$", shown, re.MULTILINE):
        for low, high in re.findall(r"(\d+)(?:-(\d+))?", line):
            free.update(range(int(low), int(high or low) + 1))
    # The first ten are the file system's own, but for the root folder.
    return [2] + [inode for inode in range(11, count + 1) if inode not in free]
