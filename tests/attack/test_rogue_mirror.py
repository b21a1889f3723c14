"""A mirror of artifacts that wants the machine's memory, its disk, or a program of its own in place: refused each time,
with what was expected and found, nothing placed, and in memory of a fixed size."""
import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

from conftest import Site, mac
from small_releases import write_small_releases

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the agent runs in a mount namespace of its own")

SIZE = 1 << 20  # of the artifact that is attacked
MEMORY = 96 << 10  # KiB; four downloads at once, a window of 8 MiB each
MOUNT_POINTS = ("/etc/muster", "/var/lib/muster", "/opt/muster")
ENTER = """set -e
mount --make-rprivate /
mount --bind "$1/etc" /etc/muster
mount --bind "$1/state" /var/lib/muster
mount --bind "$1/opt" /opt/muster
mount -o remount,ro,bind /
hostname n1
exec "$2" converge
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
    "no zstd at all": ("zstd", b"#!/bin/sh\n", "expected a zstd frame, found one that does not unpack after 0 bytes (Unknown frame descriptor)"),
    "two frames": ("zstd", frame(repeat(b"x", 1)) * 2, "expected one zstd frame, found bytes after its end"),
    "endless coded bytes": ("zstd", b"\x50\x2a\x4d\x18\xff\xff\xff\x7f" + b"x" * (2 * SIZE), f"expected at most {SIZE} bytes of zstd, found more"),
    "another coding": ("gzip", b"\x1f\x8b", "expected the Content-Encoding that was asked for (zstd) or none, found 'gzip'; "
                       "switch compression off for artifacts on that server"),
    "two codings": ("zstd, zstd", b"x", "expected the Content-Encoding that was asked for (zstd) or none, found 'zstd, zstd'; "
                    "switch compression off for artifacts on that server"),
}


class Mirror(http.server.BaseHTTPRequestHandler):
    """Sends the attack for the artifact, and plain bytes that are not it; knows nothing else."""

    def do_GET(self):
        takes_zstd = self.headers.get("Accept-Encoding") == "zstd"
        self.server.asked.append((self.path.rsplit("/", 1)[1], takes_zstd))
        if not self.path.endswith(self.server.digest):
            self.send_error(404)
            return
        coding, body, _ = self.server.attack
        if not takes_zstd:
            body = b"y" * SIZE
        self.send_response(200)
        if takes_zstd:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the agent has seen enough

    def log_message(self, *_):
        pass


class MirroredSite(Site):
    def __init__(self, state):
        super().__init__(state)
        self.ports = {"boot": 20080, "enrol": 20443, "node": 20444, "metrics": 20181}


INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec:
  kubernetesVersion: 1.36.3
  podCidr: 10.64.0.0/16
  serviceCidr: 10.96.0.0/16
  artifacts: {{mirrors: ["http://127.0.0.1:{port}"]}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: m1}}
spec: {{cluster: lab, role: master, address: 192.0.2.11}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: n1}}
spec: {{cluster: lab, role: node, address: 192.0.2.21, match: {{mac: ["{mac}"]}}}}
"""


@pytest.fixture(scope="module")
def mirror():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.asked, server.attack = [], None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def interface():
    """What makes this machine n1 in the agent's eyes; the address is of documentation's own network."""
    subprocess.run(["ip", "link", "add", "mustermirror", "address", mac(21), "type", "dummy"], check=True)
    subprocess.run(["ip", "addr", "add", "192.0.2.21/32", "dev", "mustermirror"], check=True)
    subprocess.run(["ip", "link", "set", "mustermirror", "up"], check=True)
    yield
    subprocess.run(["ip", "link", "delete", "mustermirror"], check=True)


@pytest.fixture(scope="module")
def machine(mirror, interface, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("mirror"))
    site = MirroredSite(os.path.join(folder, "site"))
    site.start_server()
    releases = os.path.join(folder, "releases")
    attacked = next(path for path in write_small_releases(releases, {"kubernetes-node": "k" * SIZE}) if path.endswith("/kubernetes-node"))
    for name in sorted(os.listdir(releases)):
        site.muster("release", "import", os.path.join(releases, name))
    with open(os.path.join(attacked, "release.json"), encoding="ascii") as stream:
        mirror.digest = json.load(stream)["artifacts"][0]["digest"]
    inventory = os.path.join(folder, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "cluster.yaml"), "w", encoding="ascii") as out:
        out.write(INVENTORY.format(port=mirror.server_address[1], mac=mac(21)))
    site.muster("apply", inventory)
    # The site itself has lost the artifact, or the agent would take it from there.
    hexadecimal = mirror.digest.split(":")[1]
    os.unlink(os.path.join(site.state, "server", "artifacts", "sha256", hexadecimal[:2], hexadecimal))
    shutil.rmtree(os.path.join(site.state, "server", "artifacts", "zstd"))
    for name in ("etc", "state", "opt"):
        os.makedirs(os.path.join(folder, name))
    with open(os.path.join(folder, "etc", "agent.json"), "w", encoding="ascii") as out:
        json.dump({"sitePin": site.site_pin(), "enrolServers": [f"https://127.0.0.1:{site.ports['enrol']}"], "token": site.token("node")}, out)
    made = [path for path in MOUNT_POINTS if not os.path.exists(path)]
    for path in made:
        os.makedirs(path)
    yield site, folder
    for path in made:
        os.rmdir(path)
    site.stop_server()


def converge(site, folder):
    """(standard error, the agent's largest resident set in KiB)"""
    process = subprocess.Popen(["unshare", "--mount", "--uts", "sh", "-c", ENTER, "sh", folder, site.program("muster-agent")], stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return said, usage.ru_maxrss


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_the_artifact_is_refused(machine, mirror, attack):
    site, folder = machine
    mirror.asked.clear()
    mirror.attack = ATTACKS[attack]
    said, memory = converge(site, folder)
    url = f"http://127.0.0.1:{mirror.server_address[1]}"
    refusals = re.findall(rf"^{re.escape(url)}: (.*)$", said[said.rfind("failed: "):], re.MULTILINE)
    assert len(refusals) == 2, said
    expected = ATTACKS[attack][2].replace("DIGEST", mirror.digest)
    assert refusals[0].endswith(expected) or (expected.endswith("found ") and refusals[0].startswith(expected)), refusals[0]
    # Plain bytes of the same source were asked for, and are no better.
    assert refusals[1].startswith(f"expected digest {mirror.digest}, found sha256:"), refusals[1]
    assert [takes for digest, takes in mirror.asked if digest == mirror.digest] == [True, False]
    placed = [os.path.join(top, file) for top, _, files in os.walk(os.path.join(folder, "opt")) for file in files if "kubernetes-node" in top]
    assert [path for path in placed if not path.endswith("release.json")] == [], "bytes of the attacker's stayed"
    assert not os.path.exists(os.path.join(folder, "opt", "releases", "kubernetes-node", "1.36.3"))
    if "san" not in os.path.basename(site.build):  # a sanitizer's shadow is no measure
        assert memory < MEMORY, f"{memory} KiB"
