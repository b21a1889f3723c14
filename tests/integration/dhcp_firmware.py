"""What firmware asks of a DHCP server, on a link of its own: dhcp_firmware.py CONFIGURATION, in a network namespace.

Prints a JSON list of answers. Questions on standard input, a JSON list of {"mac", "arch", "class"}; or {"command"}: run beside it."""
import json
import random
import socket
import struct
import subprocess
import sys
import time

SERVER, MACHINE = "br0", "machine"
MAGIC, END = b"\x63\x82\x53\x63", b"\xff"
ASKED = bytes([1, 3, 6, 12, 43, 60, 66, 67])


def option(code, value):
    return bytes([code, len(value)]) + value


def packet(question, transaction):
    """RFC 2131 and 4578."""
    options = option(53, b"\x01") + option(55, ASKED) + option(60, f"PXEClient:Arch:{question['arch']:05}:UNDI:003001".encode())
    options += option(93, struct.pack(">H", question["arch"])) + option(94, b"\x01\x03\x01") + option(97, bytes(17))
    if "class" in question:
        options += option(77, question["class"].encode())
    hardware = bytes.fromhex(question["mac"].replace(":", ""))
    return struct.pack(">BBBBIHH", 1, 1, 6, 0, transaction, 0, 0x8000) + bytes(16) + hardware + bytes(202) + MAGIC + options + END


def read(reply):
    found = {"address": socket.inet_ntoa(reply[16:20]), "next": socket.inet_ntoa(reply[20:24]), "file": reply[108:236].split(b"\0")[0].decode()}
    at = 240
    while reply[at] != 255:
        code, size = reply[at], reply[at + 1]
        value = reply[at + 2:at + 2 + size]
        if code == 67:
            found["file"] = value.rstrip(b"\0").decode()
        elif code in (3, 6):
            found[{3: "router", 6: "servers"}[code]] = [socket.inet_ntoa(value[i:i + 4]) for i in range(0, size, 4)]
        elif code == 60:
            found["class"] = value.decode()
        at += 2 + size
    return found


def ask(question):
    if "command" in question:
        done = subprocess.run(question["command"], capture_output=True, text=True, check=False)
        return {"status": done.returncode, "said": done.stdout + done.stderr}
    transaction = random.getrandbits(32)
    payload = packet(question, transaction)
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    link.bind((MACHINE, 0))
    datagram = struct.pack(">HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~total & 0xffff) + head[12:]
    link.send(b"\xff" * 6 + bytes.fromhex(question["mac"].replace(":", "")) + b"\x08\x00" + head + datagram)
    until = time.monotonic() + question.get("patience", 5)
    while time.monotonic() < until:
        link.settimeout(max(0.01, until - time.monotonic()))
        try:
            frame = link.recv(4096)
        except socket.timeout:
            break
        if frame[23] == 17 and frame[36:38] == struct.pack(">H", 68) and frame[46:50] == struct.pack(">I", transaction):
            return read(frame[42:])
    return None


def main(configuration):
    for command in (f"link add {SERVER} type veth peer name {MACHINE}", f"addr add 10.77.0.1/24 dev {SERVER}", f"addr add fd00:77::1/64 dev {SERVER} nodad",
                    f"link set {SERVER} up", f"link set {MACHINE} up", "link set lo up"):
        subprocess.run(["ip", *command.split()], check=True)
    server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file", "--log-facility=-", f"--conf-file={configuration}"],
                              stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            sys.stderr.write(line)
            if "TFTP root" in line:
                break
        print(json.dumps([ask(question) for question in json.load(sys.stdin)]))
    finally:
        server.kill()
        sys.stderr.write(server.stderr.read())


if __name__ == "__main__":
    main(sys.argv[1])
