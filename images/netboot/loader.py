"""What starts a machine from its slots, as bytes that the initrd copies to the disk: GRUB for BIOS and UEFI, and iPXE."""
import os
import shutil

import grub
from steps import Failure

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "ipxe"]
FOLDER = "/usr/lib/muster/loader"  # in the root: boot.img, core.img, esp.img, slots.img
BIOS_START = 2048  # the sector of core.img (slots.sh)
ESP_SIZE = 48 << 20  # the smallest FAT32 that every firmware reads, with room
MODULES = ["part_gpt", "fat", "normal", "linux", "loadenv", "regexp", "test", "echo"]
# The firmware says from which disk it came; its partitions have fixed numbers.
EARLY = """regexp --set=1:disk '^.([^,)]+)' "$cmdpath"
set root=$disk,gpt2
set prefix=($root)
set slots=($disk,gpt3)
export slots
"""
STATE = {"state.1": 16, "state.2": 24}  # the sectors of the slots' partition at which the two copies lie (slots.sh)
NOTHING = "state=...\nagain=...\n"  # no slot is good, none is to be tried
# iPXE that is started so ends, where it finds nothing, in a firmware that may not go on.
AGAIN = """#!ipxe
:again
autoboot ||
echo muster: nothing starts this machine by the network; starting it anew
sleep 10
reboot ||
goto again
"""


def make(steps, packages, work, into, epoch):
    """packages: where they are unpacked. `into`: a folder for the four files."""
    os.makedirs(into)
    texts = {}
    for name, text in (("early.cfg", EARLY), ("again.ipxe", AGAIN)):
        texts[name] = os.path.join(work, name)
        with open(texts[name], "w", encoding="ascii") as out:
            out.write(text)
    texts["grub.cfg"] = shutil.copyfile(f"{HERE}/grub.cfg", f"{work}/grub.cfg")
    first, rest = grub.make_bios(steps, packages, work, texts["early.cfg"], "/", ["biosdisk", "linux16", *MODULES], BIOS_START)
    for name, content in (("boot.img", first), ("core.img", rest)):
        with open(f"{into}/{name}", "wb") as out:
            out.write(content)
    grub.make_core(steps, packages, "x86_64-efi", f"{work}/BOOTX64.EFI", texts["early.cfg"], "/", ["chain", "minicmd", *MODULES])
    grub.make_esp(steps, f"{into}/esp.img", [(f"{work}/BOOTX64.EFI", "EFI/BOOT/BOOTX64.EFI"), (texts["grub.cfg"], "grub.cfg"), (texts["again.ipxe"], "again.ipxe"),
                                             (f"{packages}/usr/lib/ipxe/ipxe.lkrn", "ipxe.lkrn"), (f"{packages}/usr/lib/ipxe/ipxe.efi", "ipxe.efi")],
                  "7111afa7", ESP_SIZE, epoch)
    make_state(steps, work, f"{into}/slots.img", epoch)


def make_state(steps, work, image, epoch):
    """The FAT whose two files GRUB and Linux write in their places, each in sectors of its own."""
    block = f"# GRUB Environment Block\n{NOTHING}".ljust(grub.SECTOR, "#")
    files = []
    for name in STATE:
        with open(f"{work}/{name}", "w", encoding="ascii") as out:
            out.write(block)
        files.append((f"{work}/{name}", name))
    # Seven sectors, one for the table of clusters and eight for the folder: clusters of 4 KiB begin at sector 16.
    grub.make_fat(steps, image, files, ["-F", "12", "-s", "8", "-R", "7", "-f", "1", "-r", "128", "-n", "SLOTS", "-i", "7111afa8"], 512 << 10, epoch)
    with open(image, "rb") as stream:
        data = stream.read()
    for name, sector in STATE.items():
        if data[sector * grub.SECTOR:(sector + 1) * grub.SECTOR] != block.encode():
            raise Failure(f"{name}: expected at sector {sector} of its file system, is not there")
