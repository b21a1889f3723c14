"""A release is imported from a web server, whole or not at all."""
import functools
import http.server
import json
import os
import pathlib
import shutil
import socketserver
import subprocess
import threading

import pytest

from local_cluster import LocalCluster, REPOSITORY
from sanitizers import sanitizer_reports


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = LocalCluster(str(tmp_path_factory.mktemp("site")), address="127.0.0.1",
                          ports={"boot": 18180, "enrol": 18543, "node": 18544, "metrics": 19280})
    server.start_server()
    yield server
    server.stop_server()
    assert sanitizer_reports(os.path.join(server.state, "server.log")) == []


@pytest.fixture
def web(tmp_path):
    """(URL, folder) of a release that a web server offers."""
    folder = tmp_path / "www" / "etcd" / "9.9.9"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "etcd").write_text("etcd 9.9.9\n")
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "etcd", "9.9.9", folder], check=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "www"))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{files.server_port}/etcd/9.9.9", folder
    files.shutdown()


def versions(server):
    releases = json.loads(server.muster("release", "list", "-o", "json").stdout)["releases"]
    return [f"{release['name']} {release['version']}" for release in releases]


def test_an_altered_or_missing_file_is_told_and_nothing_is_imported(server, web):
    url, folder = web
    (folder / "bin" / "etcd").write_text("evil 9.9.9\n")
    refused = server.muster("release", "import", url, check=False)
    assert refused.returncode == 1 and f"{url}/bin/etcd: " in refused.stderr and "expected" in refused.stderr
    (folder / "bin" / "etcd").write_text("longer than it was\n")
    refused = server.muster("release", "import", url, check=False)
    assert refused.stderr.endswith(f"muster: {url}/bin/etcd: expected 11 bytes as release.json says, found more\n")
    (folder / "bin" / "etcd").unlink()
    refused = server.muster("release", "import", url, check=False)
    assert refused.stderr.endswith(f"muster: {url}/bin/etcd: expected status 200, found 404\n")
    assert versions(server) == []


def test_a_url_is_imported_once(server, web):
    url, _ = web
    assert server.muster("release", "import", url).stdout == "etcd 9.9.9: imported\n"
    assert server.muster("release", "import", url + "/").stdout == "etcd 9.9.9: already there\n"
    assert versions(server) == ["etcd 9.9.9"]


def test_a_debian_epoch_in_a_file_name_is_fetched(server, web):
    url, folder = web
    (folder / "debs").mkdir()
    (folder / "debs" / "nftables_1%3a1.0_amd64.deb").write_text("a package\n")
    (folder / "release.json").unlink()
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "etcd", "9.9.7", folder], check=True)
    assert server.muster("release", "import", url).stdout == "etcd 9.9.7: imported\n"
    (folder / "debs" / "nftables_1%3a1.0_amd64.deb").unlink()
    (folder / "release.json").write_text((folder / "release.json").read_text().replace("9.9.7", "9.9.6"))
    refused = server.muster("release", "import", url, check=False)
    assert refused.stderr.endswith(f"muster: {url}/debs/nftables_1%253a1.0_amd64.deb: expected status 200, found 404\n")
    server.muster("release", "remove", "etcd", "9.9.7")
    assert "etcd 9.9.7" not in versions(server)


def ready(server):
    done = subprocess.run(["curl", "--silent", "--unix-socket", server.socket, "--write-out", " %{http_code}", "http://admin/readyz"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def test_files_that_the_server_lost_are_named_and_brought_back(server, web):
    """The database is there, artifacts/ is empty: a restored backup, or a disk that was replaced."""
    _, folder = web
    server.muster("release", "import", folder)
    assert ready(server) == "ok\n 200"
    server.stop_server()
    shutil.rmtree(os.path.join(server.state, "server", "artifacts"))
    server.start_server()
    lost = "release etcd 9.9.9: 2 of 2 files are not on the server's disk; bring them back with "
    with open(os.path.join(server.state, "server.log"), encoding="utf-8") as log:
        assert lost + "`muster release import`" in log.read()
    assert lost in ready(server) and ready(server).endswith(" 503")
    assert lost + "muster release import\n" in server.muster("status").stdout
    assert "etcd 9.9.9: 2 file(s) are not on the server's disk" in server.muster("release", "list").stdout
    unsound = server.muster("release", "verify", "etcd", check=False)
    assert unsound.returncode == 1 and "etcd 9.9.9: bin/etcd: missing\n" in unsound.stdout
    restored = "etcd 9.9.9: {} file(s) were missing or damaged on the server, and are there again\n"
    assert server.muster("release", "import", folder).stdout == restored.format(2)
    assert ready(server) == "ok\n 200"
    # Of the right size, and rotten.
    [artifact] = [file for file in pathlib.Path(server.state, "server", "artifacts", "sha256").glob("*/*") if file.read_text() == "etcd 9.9.9\n"]
    artifact.write_text("ETCD 9.9.9\n")
    assert "etcd 9.9.9: bin/etcd: damaged\n" in server.muster("release", "verify", check=False).stdout
    assert server.muster("release", "import", folder).stdout == restored.format(1)
    assert artifact.read_text() == "etcd 9.9.9\n"
    assert server.muster("release", "verify").stdout == "1 release(s) read, sound\n"


def test_no_web_server_is_told(server):
    refused = server.muster("release", "import", "http://127.0.0.1:9/etcd", check=False)
    assert refused.returncode == 4
    assert refused.stderr.startswith("muster: http://127.0.0.1:9/etcd/release.json: ")


class FullServer(socketserver.StreamRequestHandler):
    """An admin socket whose disk is full after a megabyte of an upload: it says so, and hangs up at once."""
    def handle(self):
        while True:
            head = self.rfile.readline().decode()
            while self.rfile.readline().strip():
                pass
            if not head.startswith("PUT"):
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"releases":[]}')
                continue
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.rfile.read(1 << 20)
            told = b'{"kind":"exhausted","message":"the disk is full","requestId":"ab"}'
            self.wfile.write(b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
            return


def test_a_refusal_in_the_middle_of_an_upload_is_told(server, tmp_path):
    folder = tmp_path / "etcd"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "etcd").write_bytes(os.urandom(30_000_000))
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "etcd", "9.9.8", folder], check=True)
    address = str(tmp_path / "admin.sock")
    with socketserver.ThreadingUnixStreamServer(address, FullServer) as full:
        threading.Thread(target=full.serve_forever, daemon=True).start()
        for _ in range(5):
            done = subprocess.run([server.program("muster"), "--server", f"unix:{address}", "release", "import", folder],
                                  capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert done.stderr.endswith(f"muster: {folder}/bin/etcd: the disk is full (request ab)\n")
        full.shutdown()


def test_a_reader_that_leaves_is_no_failure(server):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([server.program("muster"), "--server", f"unix:{server.socket}", "release", "list"], stdout=write,
                          stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
