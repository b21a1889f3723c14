"""GRUB as bytes that are copied to a disk: nothing of GRUB's own runs on the machine that starts by them."""
import os
import struct

SECTOR = 512


def make_core(steps, loader, platform, file, early, prefix, modules):
    """What the firmware loads, with `early` (a file, read line by line) and these modules in it."""
    steps.run(f"{loader}/usr/bin/grub-mkimage", "-d", f"{loader}/usr/lib/grub/{platform}", "-O", platform, "-o", file, "-p", prefix, "-c", early, *modules)


def make_bios(steps, loader, folder, early, prefix, modules, start):
    """(the first sector's program, the rest), for a disk with room from sector `start` on: each names where the next one lies.
    What grub-bios-setup would write: kernel_sector at 0x5c of boot.img; the block list in the last 12 bytes of core.img's first sector."""
    core = f"{folder}/core.img"
    make_core(steps, loader, "i386-pc", core, early, prefix, modules)
    with open(f"{loader}/usr/lib/grub/i386-pc/boot.img", "rb") as stream:
        first = bytearray(stream.read(SECTOR))
    with open(core, "rb") as stream:
        rest = bytearray(stream.read())
    struct.pack_into("<Q", first, 0x5C, start)
    # "jmp" over the check of a floppy that old machines' BIOS boots as: grub-bios-setup does the same on disks.
    struct.pack_into("<H", first, 0x66, 0x9090)
    sectors = (len(rest) + SECTOR - 1) // SECTOR
    struct.pack_into("<QHH", rest, SECTOR - 12, start + 1, sectors - 1, 0x820)
    return bytes(first[:440]), bytes(rest)


def make_esp(steps, image, files, volume, size, epoch):
    """The FAT that UEFI reads; files: [(source, "EFI/BOOT/NAME")]."""
    make_fat(steps, image, files, ["-F", "32", "-n", "ESP", "-i", volume], size, epoch)


def make_fat(steps, image, files, options, size, epoch):
    with open(image, "wb") as out:
        out.truncate(size)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C", "TZ": "UTC"}
    steps.run("mkfs.vfat", "--invariant", *options, image, environment=environment)
    folders = {"/".join(target.split("/")[:depth]) for _, target in files for depth in range(1, target.count("/") + 1)}
    if folders:
        steps.run("mmd", "-i", image, *(f"::{folder}" for folder in sorted(folders)), environment=environment)
    for source, target in files:
        os.utime(source, (epoch, epoch))
        steps.run("mcopy", "-m", "-i", image, source, f"::{target}", environment=environment)
