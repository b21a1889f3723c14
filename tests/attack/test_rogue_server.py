"""A server that is not the site's: the agent refuses it by the pin, says so, and gives nothing away."""
import http.server
import json
import os
import ssl
import threading

import pytest

from agent_under_attack import AgentUnderAttack
from conftest import Site
from metadata_machine import openssl

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the agent runs in a mount namespace of its own")


class RogueSite(Site):
    """A complete site of the attacker's own: other site key, other CAs, a catalogue, the same inventory."""

    def __init__(self, state):
        super().__init__(state)
        self.ports = {"boot": 19080, "enrol": 19443, "node": 19444, "metrics": 19181}


@pytest.fixture
def rogue(site, tmp_path):
    rogue = RogueSite(str(tmp_path / "rogue"))
    rogue.start_server()
    rogue.small_releases()
    rogue.muster("apply", os.path.join(site.state, "inventory"))
    yield rogue
    rogue.stop_server()


class Replay(http.server.BaseHTTPRequestHandler):
    """Serves the site's own, public trust list to whoever asks, and hopes for more than that."""

    def do_GET(self):
        body = self.server.trust if self.path == "/v1/trust" else b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.given.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def replay(site, tmp_path):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1")
    # The machine's enrol address is the site's: in the middle sits whoever answers there.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", site.ports["enrol"]), Replay)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.given = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def settings(site, port):
    return {"sitePin": site.site_pin(), "enrolServers": [f"https://{site.ADDRESS}:{port}"], "token": "muster-token-of-the-site"}


@needs_root
def test_another_sites_server_is_refused_by_the_pin(site, rogue, tmp_path):
    agent = AgentUnderAttack(site.program("muster-agent"), tmp_path / "machine", settings(site, rogue.ports["enrol"]))
    done = agent.converge()
    assert done.returncode == 1
    refusal = (f"trust list: expected one signed by the pinned site key {site.site_pin()}, found none among 1. Is this the right server, and "
               "the right pin?")
    assert done.stderr.splitlines()[-1] == f"failed: {refusal}"
    assert agent.writes_outside_state() == []
    kept = agent.state()
    assert "checkpoint.json" in kept
    # The refusal waits in the spool for the real server; nothing of the rogue's was kept, no key was made for it.
    assert [path for path in kept if not path.startswith("spool/") and path not in ("checkpoint.json", "lock")] == []
    assert json.loads(rogue.muster("pending", "-o", "json").stdout) == {"pending": []}
    assert "enrol" not in rogue.muster("audit", "-o", "json").stdout


@needs_root
def test_the_sites_own_trust_list_from_a_strangers_server_is_no_door(site, tmp_path, request):
    status, _ = site.machine("reader").request(site.ports["enrol"], "GET", "/v1/trust")
    assert status == 200
    import http.client
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(site.ADDRESS, site.ports["enrol"], context=context, timeout=5)
    connection.request("GET", "/v1/trust")
    trust = connection.getresponse().read()
    connection.close()
    pinned = settings(site, site.ports["enrol"])
    program = site.program("muster-agent")
    site.stop_server()
    try:
        server = request.getfixturevalue("replay")
        server.trust = trust
        agent = AgentUnderAttack(program, tmp_path / "machine", pinned)
        done = agent.converge()
        server.shutdown()
        server.server_close()
    finally:
        site.start_server()
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("failed: ") and "the server's certificate was refused: " in last, done.stderr
    assert server.given == [], "the token or a request was given away"
    assert agent.writes_outside_state() == []
