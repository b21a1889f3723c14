"""An empty machine becomes a Ready node of a running cluster: real DHCP, real iPXE, a real kernel, and nobody touches it."""
import hashlib
import http.server
import json
import os
import resource
import threading
import time

import netboot_machine
import pytest
from capture import Capture
from local_cluster import SERVER_ADDRESS, call
from netboot_machine import OVERRIDES, BootSegment, NetbootMachine, boot, fingerprint, timeline
from own_image import OwnImage

ADDRESS, MAC = "10.77.0.51", "02:4d:55:00:00:33"
DISK_ADDRESS, DISK_MAC, SERIAL = "10.77.0.52", "02:4d:55:00:00:34", "MUSTER-STATE-1"  # of the machine with a state disk
CHUNK, ALTERED = 2 << 20, 3  # the chunk of the root that the mirror alters
MIRROR = f"http://{SERVER_ADDRESS}:8098"


def processor_seconds():
    """Of all programs that were started and have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


@pytest.fixture(scope="module")
def image(rack, tmp_path_factory):
    """What it took is told in seconds of a processor too, which others' work here changes less."""
    if netboot_machine.missing():
        pytest.skip(f"needs {netboot_machine.missing()}: scripts/setup --machines installs them")
    began, used = time.monotonic(), processor_seconds()
    built = OwnImage(rack, "tower", str(tmp_path_factory.mktemp("tower")), "--kind", "netboot",
                     edit=lambda text: text.replace("kernel: generic", "kernel: cloud")).build()
    rack.muster("release", "import", built["folder"])
    sizes = {name: os.path.getsize(os.path.join(built["folder"], name)) for name in ("vmlinuz", "initrd", "root.squashfs")}
    print(f"the image took {time.monotonic() - began:.0f} s, {processor_seconds() - used:.0f} s of a processor")
    print(', '.join(f'{name} {size / 1e6:.1f} MB' for name, size in sizes.items()))
    return built


@pytest.fixture(scope="module")
def lying_mirror(image):
    """Asked before the server: the root with one byte changed, and nothing else."""
    with open(os.path.join(image["folder"], "root.squashfs"), "rb") as stream:
        root = bytearray(stream.read())
    path = f"/v1/artifacts/sha256:{hashlib.sha256(root).hexdigest()}"
    genuine = hashlib.sha256(root[ALTERED * CHUNK:(ALTERED + 1) * CHUNK]).hexdigest()
    root[ALTERED * CHUNK + 17] ^= 1

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802  # the name that http.server asks for
            found = self.path == path
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(root) if found else 0))
            self.end_headers()
            try:
                self.wfile.write(root if found else b"")
            except OSError:
                pass  # the machine has left, as it should

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer((SERVER_ADDRESS, 8098), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    altered = hashlib.sha256(root[ALTERED * CHUNK:(ALTERED + 1) * CHUNK]).hexdigest()
    yield f"chunk {ALTERED} of {-(-len(root) // CHUNK)}: expected sha256:{genuine}, found sha256:{altered}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def segment(cluster, image, lying_mirror, tmp_path_factory):
    """The inventory with the machine, and DHCP for it."""
    cluster.add_node("t1", ADDRESS, extra=f"  {OVERRIDES}\n", mac=MAC)
    with_disk = OVERRIDES.replace("{netboot:", f"{{stateDisk: {{serial: {SERIAL}, create: ifBlank}}, netboot:")
    cluster.add_node("t2", DISK_ADDRESS, extra=f"  {with_disk}\n", mac=DISK_MAC)
    with cluster.changed_inventory("podNetwork: routed\n", f"podNetwork: routed\n  artifacts: {{mirrors: [\"{MIRROR}\"]}}\n"):
        with BootSegment(cluster, cluster.inventory, str(tmp_path_factory.mktemp("segment"))):
            yield
        cluster.remove_node("t1")
        cluster.remove_node("t2")


@pytest.fixture
def machine(cluster, segment, tmp_path):
    machine = NetbootMachine("t1", tmp_path, MAC)
    yield machine
    machine.power_cut()


def start(cluster, machine, seconds=600):
    ended = boot(cluster, machine, seconds)
    print(f"\n{timeline(ended)}\n{cluster.muster('node', 'timeline', machine.name, '--cluster', 'lab').stdout}")
    assert machine.name in cluster.ready_nodes()


@pytest.mark.long  # until image and boot are seen to take four minutes at most where nothing else runs
def test_an_empty_machine_becomes_a_ready_node(cluster, machine, lying_mirror):
    start(cluster, machine)
    # One chunk of the mirror's was another: it was not used, and the next source went on from there.
    assert any(lying_mirror in line for line in machine.said("expected sha256")), machine.said("muster:")
    # What the image carries was neither fetched nor hashed.
    assert "releases" not in [phase["name"] for phase in cluster.report("t1")["phases"]]
    # What everybody on the machine reads holds no secret.
    arguments, = machine.said("Command line: ")
    assert "muster1." not in arguments
    assert " mitigations=off " in arguments  # the inventory's word
    cluster.run_pod("t1", "tower-walker")
    cluster.kubectl("delete", "pod", "tower-walker", "--now")
    assert not machine.said(r"FAILED|Failed to start"), machine.said(r"FAILED|Failed to start")


@pytest.mark.long
def test_after_a_power_cut_it_comes_back_with_a_new_key_and_its_own_name(cluster, machine):
    first = fingerprint(cluster, "t1")
    assert first, "the machine of the test before"
    tokens = {"a token that admits a follower": cluster.token("follower").encode()}
    with Capture(machine.tap, tokens) as capture:
        start(cluster, machine)
    # Of all that went over its cable, the claim alone was a secret, and that is used.
    assert capture.bytes > 200e6 and capture.lost == 0, (capture.bytes, capture.lost)
    assert not capture.found, capture.found
    assert len(capture.whole_tokens()) == 1, capture.tokens
    audit = cluster.muster("audit", "--node", "t1", check=False).stdout
    assert first in audit and "claim" in audit, audit


@pytest.fixture
def machine_with_disk(cluster, segment, tmp_path):
    disk = tmp_path / "state.qcow2"
    call("qemu-img", "create", "-q", "-f", "qcow2", disk, "20G")
    machine = NetbootMachine("t2", tmp_path, DISK_MAC, disk=(disk, SERIAL))
    yield machine
    machine.power_cut()


@pytest.mark.long
def test_a_machine_with_a_state_disk_is_who_it_was_after_a_power_cut(cluster, machine_with_disk):
    machine = machine_with_disk
    start(cluster, machine)
    assert machine.said(f"muster: making the state disk on vda, serial {SERIAL}") and machine.said(f"muster: state on vda: serial {SERIAL}")
    first = fingerprint(cluster, "t2")
    assert first
    machine.power_cut()
    with Capture(machine.tap, {}) as capture:
        start(cluster, machine)
    assert not machine.said("making the state disk") and machine.said("muster: state on vda")
    assert fingerprint(cluster, "t2") == first
    # It needed no claim, so that none went over its cable.
    assert capture.bytes > 200e6 and capture.lost == 0 and not capture.whole_tokens(), (capture.bytes, capture.lost, capture.tokens)
    started = json.loads(cluster.muster("node", "show", "t2", "--cluster", "lab", "-o", "json").stdout)["start"]
    assert (started["state"], started["diskWipe"]) == ("running", None)
    assert not machine.said(r"FAILED|Failed to start"), machine.said(r"FAILED|Failed to start")


@pytest.mark.long
def test_by_uefi_too(cluster, segment, tmp_path):
    if netboot_machine.missing(uefi=True):
        pytest.skip(f"needs {netboot_machine.missing(uefi=True)}")
    machine = NetbootMachine("t1", tmp_path, MAC, "uefi")
    if fingerprint(cluster, "t1"):
        cluster.muster("node", "reprovision", "t1", "--cluster", "lab")  # else it waits until the one before was silent for long
    try:
        start(cluster, machine)
    finally:
        machine.power_cut()
