"""Documents that are signed away from the server: who has not the key publishes nothing that a machine would take."""
import base64
import contextlib
import http.client
import http.server
import json
import os
import socket
import socketserver
import sqlite3
import subprocess
import threading

import pytest

from conftest import CLUSTER, REPOSITORY, Site, node
from local_cluster import call


class SignedSite(Site):
    """A site whose server may not sign: the operator holds the only document key."""

    def __init__(self, state):
        super().__init__(state)
        self.ports = {name: port + 100 for name, port in self.ports.items()}
        self.inventory = os.path.join(state, "inventory")
        self.key = os.path.join(state, "lab.key")

    def write(self, *nodes):
        os.makedirs(self.inventory, exist_ok=True)
        with open(os.path.join(self.inventory, "cluster.yaml"), "w", encoding="ascii") as out:
            out.write(CLUSTER + "".join(nodes))

    def make_key(self, name, scope):
        key = os.path.join(self.state, f"{name}.key")
        public = os.path.join(self.state, f"{name}.pem")
        with open(public, "w", encoding="ascii") as out:
            out.write(self.muster("document-key", "create", "--out", key).stdout)
        if scope:
            self.muster("document-key", "add", public, "--scope", scope)
        return key, public

    def keys(self):
        return json.loads(self.muster("document-key", "list", "-o", "json").stdout)["documentKeys"]

    def apply(self, key=None, check=True):
        return self.muster("apply", self.inventory, *(["--document-key", key] if key else []), check=check)

    def current(self):
        return json.loads(self.muster("revision", "list", "--cluster", "lab", "-o", "json").stdout)["current"]


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    site = SignedSite(str(tmp_path_factory.mktemp("signed")))
    site.start_server()
    site.small_releases()
    site.write(node("m1", "master", 11), node("n1", "node", 21))
    site.make_key("lab", "cluster/lab")
    server, = [key for key in site.keys() if key["onServer"]]
    site.muster("document-key", "revoke", server["keyId"])
    site.apply(site.key)
    yield site
    site.stop_server()


def pre_authentication_encoding(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def signer_of(envelope, keys, folder):
    """The key id whose signature verifies, by openssl: nothing of Muster vouches for Muster here."""
    payload = base64.b64decode(envelope["payload"])
    message, signature = os.path.join(folder, "message"), os.path.join(folder, "signature")
    with open(message, "wb") as out:
        out.write(pre_authentication_encoding(envelope["payloadType"], payload))
    with open(signature, "wb") as out:
        out.write(base64.b64decode(envelope["signatures"][0]["sig"]))
    for key in keys:
        public = os.path.join(folder, "public.pem")
        with open(public, "w", encoding="ascii") as out:
            out.write(key["publicKey"])
        verified = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", message,
                                   "-sigfile", signature], capture_output=True, check=False)
        if verified.returncode == 0:
            return key["keyId"]
    return None


def trust_of(machine):
    _, answer = machine.ask("GET", "/v1/trust")
    return json.loads(base64.b64decode(answer["chain"][-1]["payload"]))


def test_a_machine_is_served_what_the_operator_signed(signed, tmp_path):
    machine = signed.enrolled("n1", "node", 21)
    operators, servers = (next(key for key in signed.keys() if key["onServer"] == here) for here in (False, True))
    assert (operators["scope"], servers["scope"]) == ("cluster/lab", "")
    for path in ("/v1/document", "/v1/peers"):
        status, envelope = machine.ask("GET", path)
        assert status == 200, envelope
        assert signer_of(envelope, [operators, servers], str(tmp_path)) == operators["keyId"]
    assert [key["scope"] for key in trust_of(machine)["documentKeys"]] == ["cluster/lab"]


def test_the_server_alone_publishes_nothing(signed):
    before, machine = signed.current(), signed.enrolled("n1", "node", 21)
    document = machine.ask("GET", "/v1/document")
    signed.write(node("m1", "master", 11), node("n1", "node", 21), node("n2", "node", 22))
    refused = signed.apply(check=False)
    assert refused.returncode == 5
    assert "this server may not sign for it" in refused.stderr, refused.stderr
    assert signed.current() == before and machine.ask("GET", "/v1/document") == document
    signed.apply(signed.key)
    assert signed.current() != before


@pytest.mark.parametrize("name, scope, words", [("stranger", None, "the site key does not vouch for it"),
                                                ("prod", "cluster/prod", "its scope does not cover the cluster 'lab'")])
def test_a_key_that_may_not_sign_here_publishes_nothing(signed, name, scope, words):
    key, _ = signed.make_key(name, scope)
    before = signed.current()
    signed.write(node("m1", "master", 11), node("n1", "node", 21), node("n2", "node", 22), node("n3", "node", 23))
    refused = signed.apply(key, check=False)
    assert refused.returncode == 5 and words in refused.stderr, refused.stderr
    assert signed.current() == before


class AdminConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("admin", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask_admin(path, method, target, body):
    """(status, bytes)"""
    connection = AdminConnection(path)
    connection.request(method, target, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


class Relay(socketserver.ThreadingUnixStreamServer):
    """Stands between `muster` and the admin socket: what arrives at `held` waits until `meanwhile` has been called."""
    daemon_threads = True

    def __init__(self, path, admin, held, meanwhile):
        class Handler(http.server.BaseHTTPRequestHandler):
            def relay(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == held:
                    meanwhile()
                status, answer = ask_admin(admin, self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = relay

            def log_message(self, *_):
                pass

            def address_string(self):
                return "unix"

        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def test_forged_signatures_are_refused(signed):
    operators = next(key for key in signed.keys() if key["scope"] == "cluster/lab")
    before = signed.current()
    forged = {"digest": "sha256:" + "0" * 64, "signature": base64.b64encode(b"\0" * 64).decode()}
    signatures = {"keyId": operators["keyId"], "peers": forged, "documents": {name: forged for name in ("m1", "n1")}}
    order = {"clusters": ["lab"], "files": {"cluster.yaml": CLUSTER + node("m1", "master", 11) + node("n1", "node", 21)},
             "basedOn": {"lab": before}, "remove": True, "signatures": {"lab": signatures}}

    def send():
        status, answer = ask_admin(signed.socket, "POST", "/v1/operator/apply", json.dumps(order))
        return status, json.loads(answer)["message"]

    status, message = send()
    assert status == 409 and "What was signed is not what this server compiles" in message, message
    # The server has said what it compiled: the forger names that digest, and still has no key.
    forged["digest"] = message.split("expected a signature over ")[1].split(",")[0]
    status, message = send()
    assert status == 403 and "does not verify: payload or signature was altered" in message, message
    assert signed.current() == before


def test_what_was_signed_before_the_site_changed_is_refused(signed):
    """A release arrives between the signing and the publication."""
    def import_runc():
        folder = os.path.join(signed.state, "releases", "runc")
        subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "runc", "9.9.9", folder], check=True)
        signed.muster("release", "import", folder)

    signed.write(node("m1", "master", 11), node("n1", "node", 21), node("n2", "node", 22), node("n3", "node", 23))
    before, path = signed.current(), os.path.join(signed.state, "relay.sock")
    with Relay(path, signed.socket, "/v1/operator/apply", import_runc):
        refused = call(signed.program("muster"), "--server", f"unix:{path}", "apply", signed.inventory, "--document-key", signed.key,
                       "--upgrade", "runc", check=False)
    assert refused.returncode == 5, refused.stderr
    assert "it learned something since (a release, a secret, a ban)" in refused.stderr and "run `muster apply` again" in refused.stderr
    assert signed.current() == before
    signed.apply(signed.key)


def test_a_ban_holds_at_once_and_waits_for_a_signature(signed):
    before, machine = signed.current(), signed.enrolled("n1", "node", 21)
    banned = signed.muster("ban", "n1", "--cluster", "lab", check=False)
    try:
        assert banned.returncode == 6
        assert "lab/n1: this server holds to the ban; its masters' API servers do not know of it yet: cluster 'lab': this server may " \
            "not sign for it." in banned.stderr, banned.stderr
        assert machine.ask("GET", "/v1/document")[0] == 403
        assert "lab: bans changed since it was signed" in signed.muster("status").stdout
        assert signed.current() == before
        signed.apply(signed.key)
        assert "bans changed" not in signed.muster("status").stdout
        told = json.loads(signed.muster("revision", "diff", "1", signed.current(), "--cluster", "lab", "-o", "json").stdout)
        master, = [change for change in told["changes"] if change["node"] == "m1"]
        assert any("bannedMachines" in line and "n1" in line for line in master["differences"]), master
    finally:
        signed.muster("unban", "n1", "--cluster", "lab", check=False)
        signed.apply(signed.key)
    assert machine.ask("GET", "/v1/document")[0] == 200


def test_a_key_in_use_is_not_revoked_and_a_new_one_takes_over(signed, tmp_path):
    machine = signed.enrolled("n1", "node", 21)
    old = next(key for key in signed.keys() if key["scope"] == "cluster/lab")
    refused = signed.muster("document-key", "revoke", old["keyId"], check=False)
    assert refused.returncode == 5 and "cluster 'lab': document key" in refused.stderr, refused.stderr
    key, public = signed.make_key("next", "cluster/lab")
    generation = signed_generation(machine)
    signed.apply(key)
    assert signed_generation(machine) > generation
    signed.muster("document-key", "revoke", old["keyId"])
    _, envelope = machine.ask("GET", "/v1/document")
    with open(public, encoding="ascii") as pem:
        mine = {"keyId": "mine", "publicKey": pem.read()}
    assert signer_of(envelope, [mine], str(tmp_path)) == "mine"
    listed = trust_of(machine)
    assert old["publicKey"] not in [entry["publicKey"] for entry in listed["documentKeys"]]
    refused = signed.apply(signed.key, check=False)
    assert refused.returncode == 5 and "the site key does not vouch for it" in refused.stderr, refused.stderr
    os.replace(key, signed.key)  # other tests sign with what is in force


def sealed_keys(site):
    with contextlib.closing(sqlite3.connect(os.path.join(site.state, "server", "state.sqlite"))) as store:
        rows = store.execute("SELECT value FROM records WHERE kind IN ('site-key', 'document-key')").fetchall()
    return [json.loads(value)["sealedKey"].encode() for value, in rows]


def files_of(site):
    folder, content = os.path.join(site.state, "server"), b""
    for name in os.listdir(folder):
        if name.startswith("state.sqlite"):
            with open(os.path.join(folder, name), "rb") as file:
                content += file.read()
    return content


def test_a_thief_of_the_server_cannot_add_a_key(signed):
    """With the site key taken away, neither the operator's API nor the settings and store change who signs."""
    settings, file = os.path.join(signed.state, "server.json"), os.path.join(signed.state, "site.key")
    take = (signed.program("muster-server"), "--settings", settings, "take-site-key", file)
    refused = call(*take, check=False)
    assert refused.returncode == 1 and "another process uses this file: stop it first" in refused.stderr, refused.stderr
    assert not os.path.exists(file)
    signed.stop_server()
    sealed = sealed_keys(signed)
    call(*take)
    assert len(sealed) == 2 and not any(text in files_of(signed) for text in sealed)
    signed.start_server()
    assert os.stat(file).st_mode & 0o777 == 0o600
    machine, before = signed.enrolled("n1", "node", 21), signed.keys()
    _, public = signed.make_key("thief", None)
    refused = signed.muster("document-key", "add", public, "--scope", "site", check=False)
    assert refused.returncode == 5 and "was taken away from this server" in refused.stderr, refused.stderr
    # Not with a site key of his own either.
    own, _ = signed.make_key("own-site", None)
    refused = signed.muster("document-key", "add", public, "--scope", "site", "--site-key", own, check=False)
    assert refused.returncode == 5 and "expected one signed by the pinned site key" in refused.stderr, refused.stderr
    listed = [key["keyId"] for key in signed.keys() if key["scope"]]
    assert listed == [key["keyId"] for key in before if key["scope"]] and machine.ask("GET", "/v1/document")[0] == 200
    # Who has the site key can, from anywhere.
    signed.muster("document-key", "add", public, "--scope", "cluster/elsewhere", "--site-key", file)
    assert [key["scope"] for key in trust_of(machine)["documentKeys"]].count("cluster/elsewhere") == 1
    signed.stop_server()
    call(signed.program("muster-server"), "--settings", settings, "return-site-key", file)
    signed.start_server()
    added = next(key for key in signed.keys() if key["scope"] == "cluster/elsewhere")
    signed.muster("document-key", "revoke", added["keyId"])
    actions = [row["action"] for row in signed.audit()["rows"]]
    assert "site-key-taken" in actions and "site-key-returned" in actions


def signed_generation(machine):
    _, envelope = machine.ask("GET", "/v1/document")
    return json.loads(base64.b64decode(envelope["payload"]))["generation"]
