"""A mirror of artifacts that wants the machine's memory, its disk, or a program of its own in place: refused each time,
with what was expected and found, nothing placed, and in memory of a fixed size."""
import hashlib
import http.server
import json
import os
import re
import subprocess
import threading

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


# What is sent to whoever takes zstd: (coding, bytes, what the agent says of it).
ATTACKS = {
    "a bomb of 4 GiB": ("zstd", frame(repeat(b"\0", 1 << 15)), f"expected {SIZE} bytes, found more"),
    "a bomb that never ends": ("zstd", frame(repeat(b"\0", 1 << 17), ends=False), f"expected {SIZE} bytes, found more"),
    "a window of 128 MiB": ("zstd", frame(raw(b"x" * 1000), window=0x88), "expected a zstd window of at most 8388608 bytes, found 134217728"),
    "a window of 3.75 TiB": ("zstd", frame(raw(b"x" * 1000), window=0xff), "expected a zstd window of at most 8388608 bytes, found 4123168604160"),
    "cut off": ("zstd", frame(raw(b"x" * 70000), ends=False), "expected the end of a zstd frame, found that of the answer after 70000 bytes"),
    "too little": ("zstd", frame(raw(b"x" * 70000)), f"expected {SIZE} bytes, found 70000"),
    "bytes of its own": ("zstd", frame(repeat(b"x", SIZE >> 17)), "expected digest DIGEST, found "),
    "no zstd at all": ("zstd", b"#!/bin/sh\n", "expected a zstd frame (it begins with 28 B5 2F FD), found 23 21 2F 62"),
    "two frames": ("zstd", frame(repeat(b"x", 1)) * 2, "expected one zstd frame, found bytes after its end"),
    "endless coded bytes": ("zstd", frame([]) + bytes(2 * SIZE), f"expected at most {SIZE} bytes of zstd, found more"),
    "another coding": ("gzip", b"\x1f\x8b", "expected the Content-Encoding that was asked for (zstd) or none, found 'gzip'; "
                       "switch compression off for artifacts on that server"),
    "two codings": ("zstd, zstd", b"x", "expected the Content-Encoding that was asked for (zstd) or none, found 'zstd, zstd'; "
                    "switch compression off for artifacts on that server"),
}


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


MANIFEST = json.dumps({"apiVersion": "muster/v1", "kind": "Release", "name": NAME, "version": VERSION, "architecture": "amd64",
                       "artifacts": [{"path": "bin/kubelet", "kind": "file", "mode": "0755", "digest": digest_of(CONTENT), "size": SIZE}]},
                      sort_keys=True, separators=(",", ":")).encode()


class Mirror(http.server.BaseHTTPRequestHandler):
    """Has the manifest. Of the artifact it sends the attack, where it is one, and plain bytes that are not it."""

    def do_GET(self):
        digest, takes_zstd = self.path.rsplit("/", 1)[1], self.headers.get("Accept-Encoding") == "zstd"
        self.server.asked.append((digest, takes_zstd))
        coding, body = None, CONTENT
        if digest == digest_of(MANIFEST):
            body = MANIFEST
        elif self.server.attack:
            coding, body = self.server.attack[:2] if takes_zstd else (None, b"y" * SIZE)
        self.send_response(200)
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
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


def bring(folder, *sources):
    """(standard error, the largest resident set in KiB)"""
    program = os.path.join(BUILD, "tests", "bring-release")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", ENTER, "sh", folder, program, NAME, VERSION, digest_of(MANIFEST), *sources],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.stderr, int(done.stdout)


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
    assert files_in(folder) == [f"releases/{NAME}/{VERSION}/bin/kubelet", f"releases/{NAME}/{VERSION}/release.json"]
    with open(os.path.join(folder, f"releases/{NAME}/{VERSION}/bin/kubelet"), "rb") as stream:
        assert stream.read() == CONTENT


def test_a_mirror_that_knows_no_codings_is_served_plain(mirrors, folder):
    mirror = mirrors()
    said, _ = bring(folder, mirror.url)
    assert said == ""
    assert len(mirror.asked) == 2
