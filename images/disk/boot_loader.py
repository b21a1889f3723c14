"""What starts a machine from the disk, by BIOS and by UEFI, made of Debian's packages."""
import os

import grub

# The signed pair lets a UEFI machine with Secure Boot start; the BIOS has no such thing.
EFI = {"amd64": ("grub-efi-amd64-signed", "x86_64", "x64"), "arm64": ("grub-efi-arm64-signed", "arm64", "aa64")}
# Linked into the part that a BIOS loads: what it takes to find the root file system and its configuration.
MODULES = ["biosdisk", "part_gpt", "ext2", "search_fs_uuid", "normal", "linux", "configfile", "echo", "test", "gzio"]


def packages(architecture):
    return ["shim-signed", EFI[architecture][0]] + (["grub-common", "grub-pc-bin"] if architecture == "amd64" else [])


def configuration(uuid, arguments):
    return (f"# The links follow Debian's newest kernel.\nset timeout=0\nsearch --no-floppy --fs-uuid --set=root {uuid}\n"
            f'menuentry "Debian" {{\n  linux /vmlinuz root=UUID={uuid} {" ".join(arguments)}\n  initrd /initrd.img\n}}\n')


def make_esp(steps, loader, image, architecture, uuid, size, epoch):
    """What UEFI reads: shim, GRUB, and where its configuration lies."""
    _, platform, suffix = EFI[architecture]
    pointer = f"{image}.cfg"
    with open(pointer, "w", encoding="utf-8") as out:
        out.write(f"search.fs_uuid {uuid} root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n")
    files = [(f"{loader}/usr/lib/shim/shim{suffix}.efi.signed", f"EFI/BOOT/BOOT{suffix.upper()}.EFI"),
             (f"{loader}/usr/lib/grub/{platform}-efi-signed/grub{suffix}.efi.signed", f"EFI/BOOT/grub{suffix}.efi"), (pointer, "EFI/debian/grub.cfg")]
    grub.make_esp(steps, image, files, uuid.replace("-", "")[:8], size, epoch)
    os.unlink(pointer)


def make_bios(steps, loader, folder, uuid, start):
    """(the first sector's program, the rest), for a disk with room from sector `start` on."""
    early = f"{folder}/early.cfg"
    with open(early, "w", encoding="utf-8") as out:
        out.write(f"search.fs_uuid {uuid} root\nset prefix=($root)/boot/grub\n")
    return grub.make_bios(steps, loader, folder, early, "/boot/grub", MODULES, start)
