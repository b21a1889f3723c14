"""How the netboot initrd brings its root, by its own script in the shell that it has, from servers that fail it."""
import hashlib
import http.server
import os
import random
import re
import shutil
import subprocess
import threading

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NETBOOT = os.path.join(REPOSITORY, "images", "netboot")
CHUNK = 2 << 20
ROOT = random.Random(7).randbytes(4 * CHUNK + 12345)

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox: scripts/setup")]


class Source:
    """Serves ROOT by ranges, as `serve(start, bytes)` makes it; a piece of None ends the connection."""

    def __init__(self, serve=lambda start, data: [data]):
        self.asked = asked = []
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
                start = int(found[1])
                asked.append((self.path, start))
                self.send_response(206 if "Range" in self.headers else 200)
                self.send_header("Content-Length", str(len(ROOT) - start))
                if "Range" in self.headers:
                    self.send_header("Content-Range", f"bytes {start}-{len(ROOT) - 1}/{len(ROOT)}")
                self.end_headers()
                for piece in source.serve(start, ROOT[start:]):
                    if piece is None:
                        self.connection.close()
                        return
                    try:
                        self.wfile.write(piece)
                    except OSError:
                        return

            def log_message(self, *_):
                pass

        self.serve = serve
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def fetch(tmp_path, *sources):
    """(exit status, what the console says, the file)"""
    digest = f"sha256:{hashlib.sha256(ROOT).hexdigest()}"
    (tmp_path / "chunks").write_text("".join(hashlib.sha256(ROOT[at:at + CHUNK]).hexdigest() + "\n" for at in range(0, len(ROOT), CHUNK)))
    (tmp_path / "root").write_text(f"{digest} {len(ROOT)}\n")
    (tmp_path / "image").mkdir()
    urls = " ".join(source if isinstance(source, str) else source.url for source in sources)
    script = f"""
say() {{ echo "muster: $*"; }}
enter() {{ phase=$1; }}
stop() {{ say "$phase: $*"; exit 1; }}
argument() {{ [ "$1" = muster.source= ] && printf '%s\\n' {urls}; }}
. {NETBOOT}/fetch.sh
fetch_root"""
    environment = {"PATH": "/bin", "MUSTER_NO_MOUNT": "1", "MUSTER_BREATH": "0", "MUSTER_PATIENCE": "20",
                   "image_folder": str(tmp_path / "image"), "muster_folder": str(tmp_path)}
    # The shell's own applets, as in the initrd: nothing of this machine.
    (tmp_path / "bin").mkdir()
    subprocess.run(["busybox", "--install", "-s", str(tmp_path / "bin")], check=True)
    environment["PATH"] = str(tmp_path / "bin")
    done = subprocess.run(["busybox", "sh", "-c", script], capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.stderr == ""
    file = tmp_path / "image" / "root.squashfs"
    return done.returncode, done.stdout, file.read_bytes() if file.exists() else b""


def test_a_sound_source_gives_it_all_with_progress(tmp_path):
    source = Source()
    status, console, found = fetch(tmp_path, source)
    assert (status, found == ROOT) == (0, True), console
    assert source.asked == [(f"/v1/artifacts/sha256:{hashlib.sha256(ROOT).hexdigest()}", 0)]
    assert "muster: root: 100 % of 8 MiB\n" in console


def test_a_source_that_dies_in_the_middle_is_gone_on_from_by_the_next(tmp_path):
    dying = Source(lambda start, data: [data[:2 * CHUNK + 100], None])
    other = Source()
    status, console, found = fetch(tmp_path, dying, other)
    assert (status, found == ROOT) == (0, True), console
    assert [start for _, start in other.asked] == [2 * CHUNK + 100]


@pytest.mark.parametrize("piece", [CHUNK + 7, CHUNK // 2 + 7])
def test_one_source_alone_that_breaks_off_again_and_again_gives_it_in_the_end(tmp_path, piece):
    source = Source(lambda start, data: [data[:piece], None])
    status, console, found = fetch(tmp_path, source)
    assert (status, found == ROOT) == (0, True), console
    assert len(source.asked) == -(-len(ROOT) // piece)


def test_an_altered_chunk_is_named_with_both_digests_and_fetched_elsewhere(tmp_path):
    altered = bytearray(ROOT)
    altered[CHUNK + 5] ^= 1
    bad = Source(lambda start, data: [bytes(altered[start:])])
    good = Source()
    status, console, found = fetch(tmp_path, bad, good)
    assert (status, found == ROOT) == (0, True), console
    expected, wrong = (hashlib.sha256(data[CHUNK:2 * CHUNK]).hexdigest() for data in (ROOT, altered))
    assert f"muster: {bad.url}: chunk 1 of 5: expected sha256:{expected}, found sha256:{wrong}\n" in console
    assert [start for _, start in good.asked] == [CHUNK]


def test_a_root_that_no_source_has_right_is_never_there_whole(tmp_path):
    altered = bytes(2 * CHUNK) + ROOT[2 * CHUNK:]
    bad = Source(lambda start, data: [altered[start:]])
    status, console, found = fetch(tmp_path, bad)
    assert status == 1
    assert found == b""
    assert console.endswith(f"muster: fetch: no source gave chunk 0 of 5 of sha256:{hashlib.sha256(ROOT).hexdigest()}\n")
    assert len(bad.asked) == 5


def test_a_dead_source_costs_no_more_than_its_turn(tmp_path):
    status, console, found = fetch(tmp_path, "http://127.0.0.1:1", Source())
    assert (status, found == ROOT) == (0, True), console


def test_a_silent_source_is_left(tmp_path):
    released = threading.Event()

    def stall(start, data):
        yield data[:CHUNK]
        released.wait(60)

    silent = Source(stall)
    status, console, found = fetch(tmp_path, silent, Source())
    released.set()
    assert (status, found == ROOT) == (0, True), console
    assert f"muster: {silent.url}: silent for 2 s\n" in console


def test_more_bytes_than_the_root_has_are_cut_off(tmp_path):
    source = Source(lambda start, data: [data, b"more"])
    status, console, found = fetch(tmp_path, source)
    assert (status, found == ROOT) == (0, True), console
