"""A mirror of artifacts that wants the machine's memory, its disk, or a program of its own in place: refused each time,
with what was expected and found, nothing placed, and in memory of a fixed size."""
import hashlib
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from local_cluster import BUILD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the agent's folder is mounted in a namespace of its own")

NAME, VERSION = "kubernetes-node", "1.36.3"
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(1 << 18))
SIZE = len(CONTENT)
MEMORY = 32 << 10  # KiB, the program and its libraries included (12 MiB of them when nothing is unpacked)
PLACE = "/opt/muster"
ENTER = """set -e
mount --make-rprivate /
[ -d /opt/muster ] || { mount -t tmpfs tmpfs /opt; mkdir /opt/muster; }
mount --bind "$1" /opt/muster
mount -o remount,ro,bind /
shift
exec "$@"
"""


def frame(blocks, window=0x68, ends=True):
    """RFC 8878: magic, descriptor, window (0x68: 8 MiB), blocks of (kind, size, bytes)."""
    coded = b"\x28\xb5\x2f\xfd\x00" + bytes([window])
    for number, (kind, size, content) in enumerate(blocks, 1):
        last = ends and number == len(blocks)
        coded += (int(last) | kind << 1 | size << 3).to_bytes(3, "little") + content
    return coded


def raw(content):
    return [(0, len(content[at:at + 0x10000]), content[at:at + 0x10000]) for at in range(0, len(content), 0x10000)]


def repeat(byte, times):
    """Blocks of 128 KiB in four bytes each."""
    return [(1, 1 << 17, byte)] * times


def before_rfc(magic, window=0x88):
    """As zstd 0.7 made it: raw blocks, whose sizes are written the other way around. The window (128 MiB) has no bound."""
    blocks = b"".join(bytes([1 << 6 | len(part) >> 16, len(part) >> 8 & 255, len(part) & 255]) + part for _, _, part in raw(b"x" * (SIZE - 70000)))
    return magic + bytes([0, window]) + blocks


def no_frame(found):
    return f"expected a zstd frame (it begins with 28 B5 2F FD), found {found}"


SKIPPABLE = b"\x50\x2a\x4d\x18"
UNASKED = "expected all of it (200), found a part (206) that was not asked for"

# What is sent to whoever takes zstd: (coding, bytes, what the agent says of it).
ATTACKS = {
    "a bomb of 4 GiB": ("zstd", frame(repeat(b"\0", 1 << 15)), f"expected {SIZE} bytes, found more"),
    "a bomb that never ends": ("zstd", frame(repeat(b"\0", 1 << 17), ends=False), f"expected {SIZE} bytes, found more"),
    "a window of 128 MiB": ("zstd", frame(raw(b"x" * 1000), window=0x88), "expected a zstd window of at most 8388608 bytes, found 134217728"),
    "a window of 3.75 TiB": ("zstd", frame(raw(b"x" * 1000), window=0xff), "expected a zstd window of at most 8388608 bytes, found 4123168604160"),
    "cut off": ("zstd", frame(raw(b"x" * 70000), ends=False), "expected the end of a zstd frame, found that of the answer after 70000 bytes"),
    "too little": ("zstd", frame(raw(b"x" * 70000)), f"expected {SIZE} bytes, found 70000"),
    "bytes of its own": ("zstd", frame(repeat(b"x", SIZE >> 17)), "expected digest DIGEST, found "),
    "no zstd at all": ("zstd", b"#!/bin/sh\n", no_frame("23 21 2F 62")),
    "nothing at all": ("zstd", b"", "expected the end of a zstd frame, found that of the answer after 0 bytes"),
    **{f"zstd 0.{version}": ("zstd", before_rfc(bytes([0x20 + version]) + b"\xb5\x2f\xfd"), no_frame(f"{0x20 + version:X} B5 2F FD"))
       for version in range(2, 8)},
    "zstd 0.1": ("zstd", before_rfc(b"\xfd\x2f\xb5\x1e"), no_frame("FD 2F B5 1E")),
    "zstd 0.7 behind a frame": ("zstd", frame(raw(b"x")) + before_rfc(b"\x27\xb5\x2f\xfd"), "expected one zstd frame, found bytes after its end"),
    "zstd 0.7 behind a skippable frame": ("zstd", SKIPPABLE + bytes(4) + before_rfc(b"\x27\xb5\x2f\xfd"), no_frame("50 2A 4D 18")),
    "two frames": ("zstd", frame(repeat(b"x", 1)) * 2, "expected one zstd frame, found bytes after its end"),
    "a skippable frame": ("zstd", SKIPPABLE + b"\xff\xff\xff\x7f" + b"x" * (2 * SIZE), no_frame("50 2A 4D 18")),
    "endless coded bytes": ("zstd", frame([]) + bytes(2 * SIZE), f"expected at most {SIZE} bytes of zstd, found more"),
    "another coding": ("gzip", b"\x1f\x8b", "expected the Content-Encoding that was asked for (zstd) or none, found 'gzip'; "
                       "switch compression off for artifacts on that server"),
    "two codings": ("zstd, zstd", b"x", "expected the Content-Encoding that was asked for (zstd) or none, found 'zstd, zstd'; "
                    "switch compression off for artifacts on that server"),
    "a part that was not asked for": (None, CONTENT, UNASKED, 206),
    "a coded part that was not asked for": ("zstd", frame(repeat(b"x", SIZE >> 17)), UNASKED, 206),
}


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


MANIFEST = json.dumps({"apiVersion": "muster/v1", "kind": "Release", "name": NAME, "version": VERSION, "architecture": "amd64",
                       "artifacts": [{"path": "bin/kubelet", "kind": "file", "mode": "0755", "digest": digest_of(CONTENT), "size": SIZE}]},
                      sort_keys=True, separators=(",", ":")).encode()


class Mirror(http.server.BaseHTTPRequestHandler):
    """Has the manifest. Of the artifact it sends the attack, where it is one, and plain bytes that are not it; a function
    answers as it likes, and without an attack what is asked for is sent."""

    def do_GET(self):
        digest, takes_zstd = self.path.rsplit("/", 1)[1], self.headers.get("Accept-Encoding") == "zstd"
        offset = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.asked.append((digest, takes_zstd))
        attack = self.server.attack
        if digest == digest_of(MANIFEST):
            self.send(MANIFEST)
        elif callable(attack):
            attack(self, offset)
        elif attack:
            coding, body, _, status = (*attack, 200)[:4] if takes_zstd else (None, b"y" * SIZE, None, 200)
            self.send(body, status, coding)
        else:
            self.send(CONTENT[offset:], 206 if offset else 200)

    def send(self, body, status=200, coding=None, missing=0):
        """`missing`: so many bytes are promised and do not come."""
        self.send_response(status)
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the agent has seen enough

    def log_message(self, *_):
        pass


def serve(attack):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.asked, server.attack = [], attack
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def mirrors():
    """Makes one, of an attack or of none."""
    made = []

    def make(attack=None):
        made.append(serve(attack))
        return made[-1]
    yield make
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def folder(tmp_path):
    is_ours = not os.path.exists(PLACE)
    os.makedirs(PLACE, exist_ok=True)
    yield str(tmp_path)
    if is_ours:
        os.rmdir(PLACE)


def bring(folder, *sources, **environment):
    """(standard error, the largest resident set in KiB)"""
    program = os.path.join(BUILD, "tests", "bring-release")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", ENTER, "sh", folder, program, NAME, VERSION, digest_of(MANIFEST), *sources],
                          capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment})
    return done.stderr, int(done.stdout)


PLACED = f"releases/{NAME}/{VERSION}/bin/kubelet"


def content_of(folder, path):
    with open(os.path.join(folder, path), "rb") as stream:
        return stream.read()


def staged(folder, name, content):
    """Left by an earlier run, or by anybody else."""
    path = os.path.join(folder, f"releases/{NAME}/.{VERSION}.new", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as stream:
        stream.write(content)
    return path


def files_in(folder):
    return sorted(os.path.relpath(os.path.join(top, file), folder) for top, _, files in os.walk(folder) for file in files)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_the_artifact_is_refused(mirrors, folder, attack):
    mirror = mirrors(ATTACKS[attack])
    said, memory = bring(folder, mirror.url)
    expected = ATTACKS[attack][2].replace("DIGEST", digest_of(CONTENT))
    refusals = re.findall(rf"^{re.escape(mirror.url)}: (.*)$", said, re.MULTILINE)
    assert len(refusals) == 2, said
    assert re.fullmatch(f"(GET .*: )?{re.escape(expected)}(sha256:.*)?", refusals[0]), refusals[0]
    # Plain bytes of the same source were asked for, and are no better.
    assert refusals[1] == f"expected digest {digest_of(CONTENT)}, found {digest_of(b'y' * SIZE)}"
    assert [takes for digest, takes in mirror.asked if digest == digest_of(CONTENT)] == [True, False]
    assert files_in(folder) == [f"releases/{NAME}/.{VERSION}.new/release.json"], "bytes of the attacker's stayed"
    if not BUILD.endswith("san"):  # a sanitizer's shadow is no measure
        assert memory < MEMORY, f"{memory} KiB"


def test_the_next_source_is_asked(mirrors, folder):
    rogue, good = mirrors(ATTACKS["a bomb that never ends"]), mirrors()
    said, _ = bring(folder, rogue.url, good.url)
    assert said == ""
    assert files_in(folder) == [PLACED, f"releases/{NAME}/{VERSION}/release.json"]
    assert content_of(folder, PLACED) == CONTENT


def test_a_mirror_that_knows_no_codings_is_served_plain(mirrors, folder):
    mirror = mirrors()
    said, _ = bring(folder, mirror.url)
    assert said == ""
    assert len(mirror.asked) == 2


def wrong_and_cut_off(mirror, offset):
    mirror.send(b"" if offset else b"y" * (SIZE // 2), 503 if offset else 200, missing=0 if offset else SIZE // 2)


def test_wrong_bytes_of_one_mirror_do_not_refuse_the_next(mirrors, folder):
    rogue, good = mirrors(wrong_and_cut_off), mirrors()
    said, _ = bring(folder, rogue.url, good.url)
    assert said == ""
    assert content_of(folder, PLACED) == CONTENT


@pytest.mark.parametrize("size", [1, SIZE // 2, SIZE, SIZE + 5])
def test_wrong_bytes_of_an_earlier_run_refuse_nobody(mirrors, folder, size):
    staged(folder, "bin/kubelet.part", b"y" * size)
    said, _ = bring(folder, mirrors().url)
    assert said == ""
    assert content_of(folder, PLACED) == CONTENT


def test_what_lies_beside_it_is_not_placed(mirrors, folder):
    for name in ("bin/kubectl", "bin/old.part", "lib/deep/er"):
        staged(folder, name, b"stray")
    os.symlink("/etc/passwd", staged(folder, "bin/link", b"") + "s")
    said, _ = bring(folder, mirrors().url)
    assert said == ""
    assert files_in(folder) == [PLACED, f"releases/{NAME}/{VERSION}/release.json"]


def test_a_mirror_that_stalls_silences_nobody(mirrors, folder):
    ended = threading.Event()

    def stall(mirror, _):
        mirror.send(CONTENT[:1000], missing=SIZE - 1000)
        ended.wait(60)
    rogue, good = mirrors(stall), mirrors()
    signs = [time.monotonic()]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(os.path.join(folder, "notify"))
        notify.settimeout(0.2)
        brought = threading.Event()

        def listen():
            while not brought.is_set():
                try:
                    said = notify.recv(4096)
                except TimeoutError:
                    continue
                signs.extend([time.monotonic()] if b"WATCHDOG=1" in said else [])
        listener = threading.Thread(target=listen)
        listener.start()
        said, _ = bring(folder, rogue.url, good.url, NOTIFY_SOCKET=os.path.join(folder, "notify"))
        signs.append(time.monotonic())
        brought.set()
        listener.join()
        ended.set()
    assert said == ""
    assert content_of(folder, PLACED) == CONTENT
    assert signs[-1] - signs[0] < 25, "a source that sends nothing is left after 15 s"
    assert max(after - before for before, after in zip(signs, signs[1:])) < 10, "WatchdogSec=60"


def test_a_full_disk_is_told_first(mirrors, folder):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE // 2}", "tmpfs", folder], check=True)
    try:
        said, _ = bring(folder, mirrors().url)
    finally:
        subprocess.run(["umount", folder], check=True)
    assert "No space left on device" in said.splitlines()[0]
