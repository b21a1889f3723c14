"""The end of a cluster switches machines off: only the site may say so, and only to the machine that it means."""
import base64
import http.server
import json
import os
import ssl
import threading

import pytest

from agent_under_attack import AgentUnderAttack
from metadata_machine import openssl

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the agent runs in a mount namespace of its own")
TOMBSTONE = "application/vnd.muster.tombstone.v1+json"
# The agent under attack speaks from 127.0.0.1, all others from addresses of their own.
TEMPLATE = """apiVersion: muster/v1
kind: Cluster
metadata: {name: small}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.68.0.0/16, serviceCidr: 10.98.0.0/16, nodeCidr: 127.0.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: small, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [127.0.12.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: workers}
spec: {cluster: small, role: node, namePattern: "n{index}", maximum: 9, addressRanges: [127.0.0.0/28, 127.0.13.0/24], proofs: [token]}
"""


class OnDemand:
    def __init__(self, site):
        self.site = site
        folder = os.path.join(site.state, "ending")
        os.makedirs(folder)
        with open(os.path.join(folder, "small.yaml"), "w", encoding="ascii") as out:
            out.write(TEMPLATE)
        site.muster("template", "set", "ending", folder)
        self.made = 0

    def create(self, name, master="127.0.12.1"):
        self.site.muster("cluster", "create", name, "--template", "ending", "--nodes", "2", "-o", "json")
        return self.member(name, "masters", master)

    def token(self, cluster, pool, count=1):
        made = self.site.muster("token", "create", "--cluster", cluster, "--pool", pool, "--count", str(count), "-o", "json")
        return json.loads(made.stdout)["token"]

    def member(self, cluster, pool, source):
        self.made += 1
        machine = self.site.machine(f"ending-{self.made}", source)
        status, answer = machine.enrol(self.token(cluster, pool))
        assert status == 200, answer
        return machine

    def agent(self, cluster, tmp_path, name="machine"):
        settings = {"sitePin": self.site.site_pin(), "enrolServers": [f"https://{self.site.ADDRESS}:{self.site.ports['enrol']}"],
                    "token": self.token(cluster, "workers")}
        return AgentUnderAttack(self.site.program("muster-agent"), tmp_path / name, settings)


@pytest.fixture(scope="module")
def on_demand(site):
    return OnDemand(site)


def served(machine):
    status, answer = machine.ask("GET", "/v1/document")
    assert status == 200, answer
    return answer["payloadType"], json.loads(base64.b64decode(answer["payload"]))


def kept(agent):
    path = os.path.join(agent.folder, "state", "tombstone.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as stream:
        return json.load(stream)


def test_a_member_cannot_end_anything(on_demand):
    master = on_demand.create("mine")
    other = on_demand.member("mine", "workers", "127.0.13.1")
    for machine in (master, other):
        assert machine.ask("DELETE", "/v1/document")[1]["kind"] == "not_ended"
        assert machine.ask("DELETE", "/v1/operator/clusters/mine")[0] == 403
        assert machine.ask("POST", "/v1/operator/clusters/mine/extend", {"ttlSeconds": 60})[0] == 403
    assert served(other)[0] != TOMBSTONE
    on_demand.site.muster("cluster", "delete", "mine")


def test_the_old_machine_gets_the_tombstone_and_the_new_one_of_its_name_does_not(on_demand):
    old = on_demand.create("again")
    on_demand.site.muster("cluster", "delete", "again")
    new = on_demand.create("again")
    kind, tombstone = served(old)
    assert (kind, tombstone["node"], tombstone["cluster"], tombstone["onDelete"]) == (TOMBSTONE, "m-1", "again", "poweroff")
    kind, document = served(new)
    assert kind != TOMBSTONE and document["role"]["node"] == "m-1"
    # The old one has nothing of the new cluster: no peers, no certificate, no secret, no identity.
    for method, path, body in (("GET", "/v1/peers", None), ("GET", "/v1/secrets/service-account-key?version=1", None),
                               ("POST", "/v1/certificates", {"requests": []}), ("POST", "/v1/report", {}), ("POST", "/v1/etcd/turn", {})):
        status, answer = old.ask(method, path, body)
        assert (status, answer["kind"]) == (403, "ended"), (path, answer)
    status, answer = old.enrol(on_demand.token("again", "masters"))
    assert (status, answer["kind"]) == (409, "ended"), answer
    # What the old one forgets is its own.
    assert old.ask("DELETE", "/v1/document")[0] == 200
    assert old.ask("GET", "/v1/document")[1]["kind"] == "superseded"
    assert served(new)[0] != TOMBSTONE
    on_demand.site.muster("cluster", "delete", "again")


@needs_root
def test_the_real_agent_keeps_its_tombstone_and_starts_nothing_again(on_demand, tmp_path):
    on_demand.create("real")
    agent = on_demand.agent("real", tmp_path)
    first = agent.converge()
    assert kept(agent) is None and "cache/document.json" in agent.state(), first.stderr
    on_demand.site.muster("cluster", "delete", "real")
    done = agent.converge()
    assert done.returncode == 1
    assert "cluster 'real' ended at " in done.stderr and ": this machine switches itself off" in done.stderr
    assert kept(agent)["node"] == "n1"
    assert agent.writes_outside_state() == []
    rows = on_demand.site.audit()["rows"]
    assert "real/n1" in [row["subject"] for row in rows if row["action"] == "tombstone-taken"], (rows[-5:], done.stderr)
    # The server is dead, and the last good document lies in the cache: nothing comes of it.
    on_demand.site.stop_server()
    try:
        offline = agent.converge()
    finally:
        on_demand.site.start_server()
    assert offline.returncode == 1 and "cluster 'real' ended at " in offline.stderr
    # Nor of a new cluster of the same name.
    on_demand.create("real")
    assert "cluster 'real' ended at " in agent.converge().stderr
    on_demand.site.muster("cluster", "delete", "real")


class Grave(http.server.BaseHTTPRequestHandler):
    """Whoever took over the server's address and its TLS key, but no document key: buries everybody who asks."""

    def do_GET(self):
        body = self.server.trust if self.path == "/v1/trust" else self.server.tombstone
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_DELETE = do_GET

    def log_message(self, *_):
        pass


def grave(site, tmp_path, trust, tombstone):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", site.ports["node"]), Grave)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.trust, server.tombstone = trust, tombstone
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@needs_root
def test_a_strangers_server_at_the_sites_address_switches_nobody_off(on_demand, tmp_path):
    site = on_demand.site
    master = on_demand.create("robbed")
    agent = on_demand.agent("robbed", tmp_path)
    agent.converge()
    # A real tombstone, of a machine that ended: the worst that can be replayed.
    on_demand.create("gone", "127.0.12.2")
    victim = on_demand.member("gone", "workers", "127.0.13.7")
    site.muster("cluster", "delete", "gone")
    _, tombstone = victim.ask("GET", "/v1/document")
    _, trust = master.ask("GET", "/v1/trust")
    site.stop_server()
    stranger = grave(site, tmp_path, json.dumps(trust).encode(), json.dumps(tombstone).encode())
    try:
        done = agent.converge()
    finally:
        stranger.shutdown()
        stranger.server_close()
        site.start_server()
    assert "ended at" not in done.stderr
    assert kept(agent) is None
    site.muster("cluster", "delete", "robbed")
