"""What a machine in its firmware is told by a running server, what its initrd fetches from there, and what its claim is worth."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from local_cluster import REPOSITORY, LocalCluster
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases
from waiting import wait_for

PORTS = {"boot": 18580, "enrol": 18943, "node": 18944, "metrics": 19680}
URL = f"http://127.0.0.1:{PORTS['boot']}"
CHUNK = 2 << 20
ROOT = random.Random(7).randbytes(3 * CHUNK + 5)
FILES = {"vmlinuz": b"kernel", "initrd": b"initrd", "root.squashfs": ROOT, "arguments": b"panic=30 console=ttyS0\n"}
SETTINGS = "overrides: {netboot: {image: tower}, kernel: {arguments: [hugepages=4]}}"

needs_busybox = pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox: scripts/setup")


def mac(last):
    return f"02:4d:55:00:00:{last:02x}"


def node(name, role, last, more):
    return f"""---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: lab, role: {role}, address: 10.77.0.{last}, match: {{mac: ["{mac(last)}"]}}, {more}}}
"""


INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
""" + node("m1", "master", 11, "labels: {a: b}") + "".join(node(f"n{last}", "node", last, SETTINGS) for last in (21, 22, 23, 24, 25))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = LocalCluster(str(tmp_path_factory.mktemp("site")), address="127.0.0.1", ports=PORTS)
    site.start_server()
    try:
        import_small_releases(site)
        import_image(site, "image-tower", FILES)
        inventory = os.path.join(site.state, "inventory")
        os.makedirs(inventory)
        with open(os.path.join(inventory, "site.yaml"), "w", encoding="ascii") as out:
            out.write(INVENTORY)
        site.muster("apply", inventory)
        yield site
    finally:
        site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def import_image(site, release, files):
    artifacts = [{"path": name, "kind": "file", "mode": "0644", "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
                 for name, content in sorted(files.items())]
    manifest = json.dumps({"apiVersion": "muster/v1", "kind": "Release", "name": release, "version": "20261202.050000", "architecture": "amd64",
                           "artifacts": artifacts}, sort_keys=True, separators=(",", ":"))
    folder = os.path.join(site.state, "releases", release)
    os.makedirs(folder, exist_ok=True)
    for name, content in {**files, "release.json": manifest.encode()}.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)
    site.muster("release", "import", folder)


def get(path):
    """(status, body, headers)"""
    try:
        with urllib.request.urlopen(URL + path, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def claim_of(last):
    """The token in a machine's archive."""
    status, archive, _ = get(f"/boot/machine.cpio?mac={mac(last)}")
    assert status == 200
    return re.search(rb'"token": "(muster1\.[^"]+)"', archive)[1].decode()


def machine(site, name):
    return Machine(os.path.join(site.state, "machines"), name, "127.0.0.1", (PORTS["enrol"], PORTS["node"]))


def test_the_chain_leads_to_files_that_are_what_their_names_say(site):
    status, first, _ = get("//boot.ipxe")
    assert status == 200 and b"chain --replace ipxe?" in first
    status, script, _ = get(f"/ipxe?mac={mac(21).replace(':', '-')}&uuid=&serial=&asset=&arch=x86_64&platform=pcbios")
    assert status == 200
    kernel, initrd = re.findall(rb"^(?:kernel|initrd) --name \S+ (/v1/artifacts/\S+)", script, re.M)
    assert get(kernel.decode())[1] == FILES["vmlinuz"]
    assert get(initrd.decode())[1] == FILES["initrd"]
    assert f" panic=30 console=ttyS0 hugepages=4 muster.image=image-tower/20261202.050000 muster.source={URL} ".encode() in script
    # What the kernel's command line says, everybody on the machine reads.
    assert b"muster1." not in script


class Line:
    """Between an initrd and the server: it lets `first` bytes of the first answer through, and no more until `free` is called.
    Without it a root on this machine has come, or all of it lies in a socket, before anything can be done to the server."""

    def __init__(self, first):
        self.left, self.goes, self.held = first, threading.Event(), threading.Event()
        line = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                line.carry(self.request)
        self.relay = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.relay.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.relay.server_address[1]}"
        threading.Thread(target=self.relay.serve_forever, daemon=True).start()

    def carry(self, client):
        try:
            with socket.create_connection(("127.0.0.1", PORTS["boot"]), timeout=30) as server:
                # Of what the server sends, little lies here.
                server.sendall(client.recv(1 << 16))
                while True:
                    piece = server.recv(1 << 16)
                    if not piece:
                        return
                    client.sendall(piece)
                    self.left -= len(piece)
                    if self.left <= 0 and not self.goes.is_set():
                        self.held.set()
                        self.goes.wait(60)
        except OSError:
            return  # the server is not there, or is no more

    def free(self):
        self.goes.set()

    def close(self):
        self.free()
        self.relay.shutdown()
        self.relay.server_close()


def begin_fetch(folder, root, source=URL, **settings):
    """The initrd's own script, in the shell that it has, as a process."""
    (folder / "chunks").write_text("".join(hashlib.sha256(root[at:at + CHUNK]).hexdigest() + "\n" for at in range(0, len(root), CHUNK)))
    (folder / "root").write_text(f"sha256:{hashlib.sha256(root).hexdigest()} {len(root)}\n")
    (folder / "bin").mkdir()
    subprocess.run(["busybox", "--install", "-s", str(folder / "bin")], check=True)
    script = f"say() {{ echo $*; }}; stop() {{ say $*; exit 1; }}; argument() {{ echo {source}; }}; . {REPOSITORY}/images/netboot/fetch.sh; fetch_root"
    environment = {"PATH": str(folder / "bin"), "MUSTER_NO_MOUNT": "1", "image_folder": str(folder), "muster_folder": str(folder), **settings}
    return subprocess.Popen(["busybox", "sh", "-c", script], stdout=subprocess.PIPE, text=True, env=environment)


@needs_busybox
def test_the_initrd_fetches_the_root_from_the_server_and_goes_on_where_it_was(site, tmp_path):
    (tmp_path / "root.squashfs").write_bytes(ROOT[:CHUNK + 77])  # of an interrupted fetch
    fetching = begin_fetch(tmp_path, ROOT)
    console, _ = fetching.communicate(timeout=60)
    assert (fetching.returncode, (tmp_path / "root.squashfs").read_bytes() == ROOT) == (0, True), console


@needs_busybox
def test_a_server_that_dies_in_the_middle_of_the_root_is_gone_on_with_where_it_was(site, tmp_path):
    # Large enough that no socket's buffers hold what is left of it.
    root = random.Random(8).randbytes(24 * CHUNK)
    import_image(site, "image-large", {**FILES, "root.squashfs": root})
    file, line = tmp_path / "root.squashfs", Line(3 * CHUNK + 77)
    try:
        fetching = begin_fetch(tmp_path, root, line.url, MUSTER_BREATH="1")
        assert line.held.wait(60), "three chunks came through"
        wait_for("them to be written", lambda: file.exists() and file.stat().st_size > 3 * CHUNK, 30, lambda: fetching.poll() is None)
        site.stop_server(signal.SIGKILL)
        line.free()
        time.sleep(7)  # longer than a round and the pause after it
        site.start_server()
        console, _ = fetching.communicate(timeout=120)
    finally:
        line.close()
    assert (fetching.returncode, file.read_bytes() == root) == (0, True), console
    # Said once for each time that it began: what was verified before stayed.
    rounds = [int(count) for count in re.findall(r"(\d+) of 24 chunks so far", console)]
    assert len(rounds) >= 2 and 3 <= rounds[0] < 24 and rounds == sorted(rounds), console


@pytest.mark.parametrize("name", ["vmlinuz", "initrd", "root.squashfs", "arguments"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_an_image_whose_file_is_not_whole_on_the_server_starts_nothing_and_is_told(site, name, damage):
    digest = hashlib.sha256(FILES[name]).hexdigest()
    path, = (os.path.join(folder, file) for folder, _, files in os.walk(os.path.join(site.state, "server")) for file in files if digest in os.path.join(folder, file)
             and os.path.getsize(os.path.join(folder, file)) == len(FILES[name]))
    os.unlink(path)
    if damage == "truncated":
        with open(path, "wb") as out:
            out.write(FILES[name][:-1])
    try:
        status, body, headers = get(f"/ipxe?mac={mac(22)}")
        assert (status, json.loads(body)["kind"]) == (503, "image_missing"), body
        assert int(headers["Retry-After"]) > 0
        told = f"image-tower 20261202.050000: {name} is not on the server's disk; bring it back with `muster release import`"
        assert told in site.muster("explain", "enrolment", "n22").stdout
    finally:
        import_image(site, "image-tower", FILES)
    assert get(f"/ipxe?mac={mac(22)}")[0] == 200


def test_a_claim_admits_its_machine_once_and_the_machine_is_not_started_twice(site):
    claim = claim_of(21)
    first = machine(site, "n21")
    status, answer = first.enrol(claim, mac(21))
    assert (status, answer["node"]) == (200, "n21")
    status, body, headers = get(f"/ipxe?mac={mac(21)}")
    assert (status, json.loads(body)["kind"]) == (503, "machine_running")
    assert int(headers["Retry-After"]) > 0
    assert "machine_running" in site.muster("explain", "enrolment", "n21").stdout
    # An operator knows that it is gone.
    site.muster("node", "reprovision", "n21")
    shown = json.loads(site.muster("node", "show", "n21", "-o", "json").stdout)["start"]
    assert (shown["state"], shown["handedOut"]["starts"]) == ("reprovision", 0)
    again = machine(site, "n21-again")
    assert again.enrol(claim_of(21), mac(21))[0] == 200
    # Once: the order ended with it, and the key before it, too.
    assert json.loads(site.muster("node", "show", "n21", "-o", "json").stdout)["start"]["reprovision"] is None
    assert get(f"/ipxe?mac={mac(21)}")[0] == 503
    assert first.ask("GET", "/v1/document")[0] == 403


def test_who_says_goodbye_is_started_at_once_and_a_restarted_server_knows_it(site):
    itself = machine(site, "n24")
    assert itself.enrol(claim_of(24), mac(24))[0] == 200
    report = {"machineId": "m", "bootId": "b1", "counter": 5_000_000, "agentVersion": "0.4", "documentDigest": "", "generation": 1, "verdict": "converged",
              "failureClass": "", "message": "", "offline": False, "pending": [], "phases": [], "etcdClusterId": "", "etcdMemberId": "", "sentAt": 0,
              "bootImage": "image-tower/20261202.050000"}
    assert itself.ask("POST", "/v1/report", report)[0] == 200
    assert json.loads(site.muster("node", "show", "n24", "-o", "json").stdout)["start"]["state"] == "running"
    assert get(f"/ipxe?mac={mac(24)}")[0] == 503
    assert itself.ask("POST", "/v1/report", {**report, "counter": 6_000_000, "stopping": True})[0] == 200
    assert get(f"/ipxe?mac={mac(24)}")[0] == 200
    site.stop_server()
    site.start_server()
    assert get(f"/ipxe?mac={mac(24)}")[0] == 200
    assert machine(site, "n24-again").enrol(claim_of(24), mac(24))[0] == 200


def test_who_asks_in_a_machines_name_takes_no_claim_from_it(site):
    first = claim_of(25)
    for uuid in ("", "", "&uuid=4c4c4544-0051-3110-8052-b4c04f4e3132"):  # another board's
        assert re.search(rb'"token": "(muster1\.[^"]+)"', get(f"/boot/machine.cpio?mac={mac(25)}{uuid}")[1])[1].decode() == first
    assert [token["node"] for token in json.loads(site.muster("token", "list", "-o", "json").stdout)["tokens"] if token["node"] == "n25"] == ["n25"]
    assert machine(site, "n25").enrol(first, mac(25))[0] == 200


@pytest.mark.parametrize("last, thief_first", [(22, True), (23, False)])
def test_the_race_for_a_claim_ends_contested(site, last, thief_first):
    genuine, stolen = claim_of(last), claim_of(last)
    itself, thief = machine(site, f"n{last}"), machine(site, f"thief-{last}")
    order = [(thief, stolen), (itself, genuine)] if thief_first else [(itself, genuine), (thief, stolen)]
    assert order[0][0].enrol(order[0][1], mac(last))[0] == 200
    status, answer = order[1][0].enrol(order[1][1], mac(last))
    assert (status, answer["kind"]) == (403, "claim_contested")
    assert get(f"/boot/machine.cpio?mac={mac(last)}")[0] in (403, 503)
    key = subprocess.run(["openssl", "pkey", "-in", itself.key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    site.muster("node", "unfreeze", f"n{last}", "--keep", f"sha256:{hashlib.sha256(key).hexdigest()}")
    assert itself.enrol(genuine, mac(last))[0] == 200
    assert thief.enrol(stolen, mac(last))[0] == 403


def test_what_an_initrd_gave_up_for_is_told(site):
    request = urllib.request.Request(f"{URL}/boot/failure?mac={mac(23)}", data=b"phase=fetch image=image-tower/1 no source gave chunk 3", method="POST")
    assert urllib.request.urlopen(request, timeout=10).status == 200
    told = site.muster("explain", "enrolment", "127.0.0.1").stdout
    assert "no source gave chunk 3" in told
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(f"{URL}/boot/failure", data=b"x" * 2000, method="POST"), timeout=10)
    assert refused.value.code == 413
