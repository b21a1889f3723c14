"""The disk: a GPT with the BIOS's part, UEFI's part, and the root last, so that it grows with the disk."""
import os
import shutil
import uuid

SECTOR, MEBIBYTE = 512, 1 << 20
BIOS_BOOT, ESP = "21686148-6449-6E6F-744E-656564454649", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
ROOT = {"amd64": "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "arm64": "B921B045-1DF0-41C3-AF44-4C6F280D3FAE"}
ESP_SIZE = 48 * MEBIBYTE  # the smallest FAT32 that every firmware reads, with room
STARTS = {"bios": MEBIBYTE, "esp": 2 * MEBIBYTE, "root": 2 * MEBIBYTE + ESP_SIZE}


def make(steps, disk, parts, architecture, identity):
    """parts: {"bios": (sector 0, bytes) or None, "esp": file, "root": file}."""
    def name(part):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{identity}/{part}")).upper()
    root_size = os.path.getsize(parts["root"])
    with open(disk, "wb") as out:
        out.truncate(STARTS["root"] + root_size + MEBIBYTE)  # the last holds the table's copy
    rows = [("bios", MEBIBYTE, BIOS_BOOT)] if parts["bios"] else []
    rows += [("esp", ESP_SIZE, ESP), ("root", root_size, ROOT[architecture])]
    table = f"label: gpt\nlabel-id: {name('disk')}\n"
    for part, size, kind in rows:
        table += f"start={STARTS[part] // SECTOR}, size={size // SECTOR}, type={kind}, uuid={name(part)}, name={part}\n"
    steps.run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk, text_input=table)
    if parts["bios"]:
        first, rest = parts["bios"]
        put(disk, 0, first)
        put(disk, STARTS["bios"], rest)
    for part in ("esp", "root"):
        steps.run("dd", f"if={parts[part]}", f"of={disk}", "bs=1M", f"seek={STARTS[part] // MEBIBYTE}", "conv=notrunc,sparse", "status=none")


def put(disk, where, data):
    with open(disk, "r+b") as out:
        out.seek(where)
        out.write(data)


def convert(steps, disk, image, form):
    if form == "raw":
        shutil.move(disk, image)
    else:
        steps.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd", disk, image)
        os.unlink(disk)
