"""The balancer's rendered configuration in the real HAProxy of its release: masters whose checks all fail are still asked."""
import glob
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import CACHE  # noqa: E402
from waiting import wait_for  # noqa: E402

RENDERED = os.path.join(HERE, "..", "golden", "machine", "kube-api-balancer.cfg")


class Master(socketserver.BaseRequestHandler):
    """Says its name to whoever connects, which is no answer to a check's TLS handshake."""

    def handle(self):
        self.request.sendall(self.server.name)


@pytest.fixture
def masters():
    servers = []
    for name in (b"m1", b"m2"):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Master)
        server.name = name
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def haproxy(tmp_path):
    """Its program out of the release's packages, with their libraries."""
    for package in glob.glob(os.path.join(CACHE, "releases", "haproxy", "*", "debs", "*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, str(tmp_path)], check=True)
    libraries = str(tmp_path / "usr" / "lib" / "x86_64-linux-gnu")
    return lambda *words: subprocess.Popen([str(tmp_path / "usr" / "sbin" / "haproxy"), *words], stderr=subprocess.PIPE, text=True,
                                           env={**os.environ, "LD_LIBRARY_PATH": libraries})


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answer_of(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        return connection.recv(16)


def test_masters_whose_checks_all_fail_are_asked_all_the_same(tmp_path, masters, haproxy):
    with open(RENDERED, encoding="ascii") as stream:
        text = stream.read()
    port, authority = free_port(), tmp_path / "ca.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca",
                    "-keyout", "/dev/null", "-out", str(authority)], check=True, capture_output=True)
    text, bound = re.subn(r"bind 127\.0\.0\.1:\d+", f"bind 127.0.0.1:{port}", text)
    assert bound == 1
    text = text.replace("/etc/kubernetes/pki/ca-cluster.crt", str(authority))
    for address, master in zip(("10.77.0.11:6443", "10.77.0.12:6443"), masters):
        assert address in text
        text = text.replace(address, f"127.0.0.1:{master.server_address[1]}")
    configuration = tmp_path / "balancer.cfg"
    configuration.write_text(text)
    with haproxy("-db", "-f", str(configuration)) as process:
        try:
            heard = ""
            while "has no server available" not in heard:
                line = process.stderr.readline()
                assert line, f"HAProxy ended: {heard}"
                heard += line
            assert "Server masters/m1 is DOWN" in heard and "Server masters/m2 is DOWN" in heard
            answers = set()
            wait_for("both masters to be asked", lambda: answers.add(answer_of(port)) or answers == {b"m1", b"m2"}, 10, pause=0.01)
            for master in masters:
                master.shutdown()
                master.server_close()
            began = time.monotonic()
            assert answer_of(port) == b""
            assert time.monotonic() - began < 2  # told at once, not after retries of a second each
        finally:
            process.terminate()
