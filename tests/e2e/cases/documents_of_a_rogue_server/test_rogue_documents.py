"""A server whose store was restored from an old backup, mixed up or altered: its documents are refused by the
agent with the text, and the machine goes on by its last good one. The rogue is the real server with another row
in its store, so that TLS, trust list and signatures are as genuine as they can be."""
import base64
import contextlib
import json
import os
import sqlite3

import pytest


class Store:
    """The server's rows; it is stopped meanwhile, since it shares them with nobody."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.path = os.path.join(cluster.state, "server", "state.sqlite")

    def rows(self, statement, *values):
        self.cluster.stop_server()
        try:
            with contextlib.closing(sqlite3.connect(self.path)) as store, store:
                return store.execute(statement, values).fetchall()
        finally:
            self.cluster.start_server()

    def document(self, node):
        return self.rows("SELECT value FROM records WHERE kind='document' AND key=?", f"lab/{node}")[0][0]

    def serve(self, node, value):
        self.rows("UPDATE records SET value=? WHERE kind='document' AND key=?", value, f"lab/{node}")


def altered(value):
    """The same document with another number of pods, under the old signature."""
    published = json.loads(value)
    envelope = json.loads(published["envelope"])
    payload = base64.b64decode(envelope["payload"])
    changed = payload.replace(b'"maxPods":110', b'"maxPods":111')
    assert changed != payload
    envelope["payload"] = base64.b64encode(changed).decode()
    return json.dumps({**published, "digest": "sha256:" + "0" * 64, "envelope": json.dumps(envelope, separators=(",", ":"))}).encode()


@pytest.fixture(scope="module")
def rogue(cluster):
    store = Store(cluster)
    cluster.converge("n1")
    store.old = store.document("n1")
    # A change that restarts nothing, so that the machine takes it at once: a label is in the peer list and
    # in the machine's own document.
    with cluster.changed_inventory("address: 10.77.0.21,", "address: 10.77.0.21, labels: {example.com/new: document},"):
        cluster.converge("n1")
        store.good = store.document("n1")
        now = json.loads(store.good)["generation"]
        assert cluster.report("n1")["generation"] == now > json.loads(store.old)["generation"]
        yield store
    for host in ("m1", "m2", "m3", "n1"):
        cluster.converge(host)
        assert cluster.report(host)["verdict"] == "converged", host


def refusal(rogue, value):
    cluster = rogue.cluster

    def running():
        return cluster.run("n1", "systemctl", "show", "-p", "MainPID", "kubelet.service", "containerd.service").stdout
    before, cached = running(), cluster.run("n1", "sha256sum", "/var/lib/muster/cache/document.json").stdout
    rogue.serve("n1", value)
    try:
        done = cluster.converge("n1", check=False)
        assert done.returncode == 1, done.stderr
        report = cluster.report("n1")
        assert (report["verdict"], report["failureClass"]) == ("failed", "document")
        assert report["generation"] == json.loads(rogue.good)["generation"]
        assert running() == before
        assert cluster.run("n1", "sha256sum", "/var/lib/muster/cache/document.json").stdout == cached
    finally:
        rogue.serve("n1", rogue.good)
    cluster.converge("n1")
    assert cluster.report("n1")["verdict"] == "converged"
    return report["message"]


def test_an_older_document(rogue):
    old, good = (json.loads(row)["generation"] for row in (rogue.old, rogue.good))
    assert refusal(rogue, rogue.old) == (
        f"document refused: generation: expected {good} or later, found {old}; an older document is never taken, publish the wanted "
        "content anew (`muster revision rollback`)")


def test_another_machines_document(rogue):
    assert refusal(rogue, rogue.document("m1")) == "document refused: node: expected 'n1', found 'm1'"


def test_an_altered_document(rogue):
    key = json.loads(json.loads(rogue.good)["envelope"])["signatures"][0]["keyid"]
    assert refusal(rogue, altered(rogue.good)) == (
        f"document refused: envelope: the signature by {key} does not verify: payload or signature was altered")
