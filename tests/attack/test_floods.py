"""Whoever can open sockets, from many addresses, keeps nobody else out: of a full listener the network that holds most gives
way, and who takes nothing of what it asked for is gone after the time for a part of it."""
import contextlib
import hashlib
import http.client
import json
import os
import resource
import select
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest

from conftest import mac
from local_cluster import REPOSITORY

ADDRESSES, EACH_AT_ENROL, EACH_AT_BOOT = 64, 8, 64  # 512 and 4 096: all the places there are
TRIES, MOST_SECONDS = 20, 5


@pytest.fixture(autouse=True)
def descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most[1], most[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, most)


class Flood:
    """From 64 networks, each with as many connections as one address may have; what is closed is opened again."""

    def __init__(self, port, each, request=b""):
        self.port, self.request, self.lost = port, request, 0
        self.places = [(f"127.1.{network}.1", None) for network in range(ADDRESSES) for _ in range(each)]
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.hold)

    def open(self, address):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((address, 0))
        connection.settimeout(5)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(self.request)
        connection.setblocking(False)
        return connection

    def is_closed(self, connection):
        """Also where what was sent before lies unread."""
        poll = select.poll()
        poll.register(connection, select.POLLRDHUP)
        return bool(poll.poll(0))

    def hold(self):
        while not self.done.is_set():
            for index, (address, connection) in enumerate(self.places):
                if self.done.is_set() or (connection and not self.is_closed(connection)):
                    continue
                if connection:
                    self.lost += 1
                    connection.close()
                try:
                    self.places[index] = (address, self.open(address))
                except OSError:
                    self.places[index] = (address, None)
            self.done.wait(1)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 60
        while not all(connection for _, connection in self.places) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert all(connection for _, connection in self.places)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        for _, connection in self.places:
            if connection:
                connection.close()


def all_get_through(name, ask):
    slowest = 0.0
    for _ in range(TRIES):
        began = time.monotonic()
        ask()
        slowest = max(slowest, time.monotonic() - began)
    print(f"{name}: {TRIES} of {TRIES}, the slowest after {slowest:.2f} s")
    assert slowest < MOST_SECONDS


def test_silent_connections_keep_nobody_from_enrolling(site):
    stranger = site.machine("beside-the-flood")

    def ask():
        status, _ = stranger.request(site.ports["enrol"], "GET", "/v1/trust")
        assert status == 200
    with Flood(site.ports["enrol"], EACH_AT_ENROL):
        all_get_through("trust", ask)


def test_downloads_that_nobody_reads_keep_nobody_from_booting(site, tmp_path):
    folder = tmp_path / "large"
    (folder / "bin").mkdir(parents=True)
    large = os.urandom(16 << 20)
    (folder / "bin" / "program").write_bytes(large)
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "large", "1.0.0", folder], check=True)
    site.muster("release", "import", str(folder))
    url = f"/v1/artifacts/sha256:{hashlib.sha256(large).hexdigest()}"

    def ask():
        with urllib.request.urlopen(f"http://127.0.0.1:{site.ports['boot']}/healthz", timeout=MOST_SECONDS) as answer:
            assert answer.status == 200
    with Flood(site.ports["boot"], EACH_AT_BOOT, f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()):
        all_get_through("healthz", ask)


@pytest.mark.long  # half a minute, for 256 keys; in short: unit/enrolment approval_test
def test_keys_that_wait_for_an_approval_keep_nobody_else_from_waiting(own_site):
    """Four addresses with 64 keys each: all the places there are."""
    def waiting():
        return [row["hints"]["hostname"] for row in json.loads(own_site.muster("pending", "-o", "json").stdout)["pending"]]
    for network in range(4):
        for number in range(64):
            status, answer = own_site.machine(f"flood-{network}-{number}", f"127.2.{network}.1").enrol()
            assert status == 202, answer
    assert len(waiting()) == 256
    for name, source, address in (("new-tower", "127.3.1.1", ""), ("listed-tower", "127.2.0.9", mac(21))):
        status, answer = own_site.machine(name, source).enrol(mac=address)
        assert status == 202, answer
    assert {"new-tower", "listed-tower"} <= set(waiting()) and len(waiting()) == 256


def client_hello():
    """What a TLS client says first: by the answer to it a server has paid for a handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


@contextlib.contextmanager
def handshakes(port, networks, count):
    """Asked for at once; how many of them have their answer."""
    connections = []
    try:
        for number in range(count):
            connection = socket.socket()
            connections.append(connection)
            connection.settimeout(10)
            connection.bind((f"127.{60 + number % networks}.1.{1 + number // networks // 200}", 0))
            connection.connect(("127.0.0.1", port))
        hello, poll = client_hello(), select.poll()
        for connection in connections:
            poll.register(connection, select.POLLIN)
            connection.sendall(hello)
        yield lambda: len(poll.poll(0))
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("networks", [1, 64])
def test_handshakes_of_strangers_come_before_no_machine(site, networks):
    """Thousands that are asked for at once, from one network or from many: a machine that polls is among the first."""
    machine, count = site.enrolled("n1", "node", 21), 3000
    assert machine.ask("GET", "/v1/trust")[0] == 200
    for _ in range(3):
        with handshakes(site.ports["node"], networks, count) as answered:
            began = time.monotonic()
            status, _ = machine.ask("GET", "/v1/trust")
            took, before = time.monotonic() - began, answered()
        print(f"from {networks}: {before} of {count} had theirs before it, after {took * 1000:.0f} ms")
        assert status == 200 and before < count / 2


def test_one_certificate_does_not_hold_the_places_of_all(site):
    """From eight addresses, each of which may have 256."""
    greedy, other = site.enrolled("n2", "node", 22), site.enrolled("n3", "node", 23)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(greedy.certificate, greedy.key)
    held, poll = [], select.poll()
    for number in range(256):
        connection = http.client.HTTPSConnection("127.0.0.1", site.ports["node"], timeout=10, context=context, source_address=(f"127.4.{number % 8}.1", 0))
        connection.request("GET", "/v1/trust")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        poll.register(connection.sock, select.POLLRDHUP)
        held.append(connection)
    closed = len(poll.poll(1000))
    print(f"of {len(held)} connections of one certificate {len(held) - closed} are open")
    assert other.ask("GET", "/v1/trust")[0] == 200
    for connection in held:
        connection.close()
    assert len(held) - closed <= 2 * 16
