"""What starts a machine from the disk, by BIOS and by UEFI, made of Debian's packages."""
import os
import struct

SECTOR = 512
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
    """The FAT file system that UEFI reads: shim, GRUB, and where its configuration lies."""
    _, platform, suffix = EFI[architecture]
    pointer = f"{image}.cfg"
    with open(pointer, "w", encoding="utf-8") as out:
        out.write(f"search.fs_uuid {uuid} root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n")
    with open(image, "wb") as out:
        out.truncate(size)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C", "TZ": "UTC"}
    steps.run("mkfs.vfat", "--invariant", "-F", "32", "-n", "ESP", "-i", uuid.replace("-", "")[:8], image, environment=environment)
    steps.run("mmd", "-i", image, "::EFI", "::EFI/BOOT", "::EFI/debian", environment=environment)
    for source, target in ((f"{loader}/usr/lib/shim/shim{suffix}.efi.signed", f"BOOT/BOOT{suffix.upper()}.EFI"),
                           (f"{loader}/usr/lib/grub/{platform}-efi-signed/grub{suffix}.efi.signed", f"BOOT/grub{suffix}.efi"),
                           (pointer, "debian/grub.cfg")):
        os.utime(source, (epoch, epoch))
        steps.run("mcopy", "-m", "-i", image, source, f"::EFI/{target}", environment=environment)
    os.unlink(pointer)


def make_bios(steps, loader, folder, uuid):
    """(sector 0, the rest), as grub-bios-setup would lay them out: each names where the next one lies."""
    early = f"{folder}/early.cfg"
    with open(early, "w", encoding="utf-8") as out:
        out.write(f"search.fs_uuid {uuid} root\nset prefix=($root)/boot/grub\n")
    core = f"{folder}/core.img"
    steps.run(f"{loader}/usr/bin/grub-mkimage", "-d", f"{loader}/usr/lib/grub/i386-pc", "-O", "i386-pc", "-o", core, "-p", "/boot/grub", "-c", early, *MODULES)
    with open(f"{loader}/usr/lib/grub/i386-pc/boot.img", "rb") as stream:
        first = bytearray(stream.read(SECTOR))
    with open(core, "rb") as stream:
        rest = bytearray(stream.read())
    return first, rest


def place_bios(first, rest, start):
    """GRUB 2: kernel_sector at 0x5c of boot.img; the block list in the last 12 bytes of core.img's first sector."""
    struct.pack_into("<Q", first, 0x5C, start)
    # "jmp" over the check of a floppy that old machines' BIOS boots as: grub-bios-setup does the same on disks.
    struct.pack_into("<H", first, 0x66, 0x9090)
    sectors = (len(rest) + SECTOR - 1) // SECTOR
    struct.pack_into("<QHH", rest, SECTOR - 12, start + 1, sectors - 1, 0x820)
    return bytes(first[:440]), bytes(rest)
