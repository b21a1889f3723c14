"""What a machine says of anything but itself: a worker ends no machine, and no number that it sends is too large."""
import base64
import json
import os
import socket
import time

import pytest

WORDS = """apiVersion: muster/v1
kind: Cluster
metadata: {name: words}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.66.0.0/16, serviceCidr: 10.98.0.0/16, nodeCidr: 127.0.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: speakers}
spec: {cluster: words, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [127.0.6.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: workers}
spec: {cluster: words, role: node, namePattern: "w-{index}", maximum: 3, addressRanges: [127.0.7.0/24], proofs: [token]}
"""


class Words:
    def __init__(self, site):
        self.site, self.counter, self.machines = site, 0, {}
        folder = os.path.join(site.state, "words")
        os.makedirs(folder)
        with open(os.path.join(folder, "cluster.yaml"), "w", encoding="ascii") as out:
            out.write(WORDS)
        site.muster("apply", folder)
        for name, pool, source in (("m-1", "speakers", "127.0.6.1"), ("w-1", "workers", "127.0.7.1"), ("w-2", "workers", "127.0.7.2")):
            made = site.muster("token", "create", "--cluster", "words", "--pool", pool, "-o", "json")
            self.machines[name] = machine = site.machine("words-" + name, source)
            status, answer = machine.enrol(json.loads(made.stdout)["token"])
            assert (status, answer.get("node")) == (200, name), answer
            assert self.report(name) == 200

    def report(self, name, **more):
        self.counter += 1
        is_master = name == "m-1"
        body = {"machineId": name, "bootId": name, "counter": self.counter, "agentVersion": "1", "documentDigest": "", "generation": 1,
                "verdict": "converged", "failureClass": "", "message": "", "offline": False, "pending": [], "phases": [],
                "etcdClusterId": "c1" if is_master else "", "etcdMemberId": "e1" if is_master else "", "sentAt": int(time.time()), **more}
        if is_master:
            body.setdefault("leaseHolder", "m-1")
        return self.machines[name].ask("POST", "/v1/report", body)[0]

    def is_served(self, name):
        return self.machines[name].ask("GET", "/v1/document")[0] == 200

    def peers_generation(self):
        _, envelope = self.machines["m-1"].ask("GET", "/v1/peers")
        return json.loads(base64.b64decode(envelope["payload"]))["generation"]


@pytest.fixture(scope="module")
def words(site):
    return Words(site)


def test_a_worker_ends_no_machine(words):
    words.site.muster("node", "remove", "w-2", "--cluster", "words")
    done = [{"node": "w-2", "done": True, "message": ""}]
    claim = {"peersGeneration": 10**9, "leaving": [], "drains": done}
    assert words.report("w-1", duties=claim, leaseHolder="w-1", etcdClusterId="c9", etcdMemberId="e9") == 200
    # Nor does the holder itself, of a peer list that was never published.
    assert words.report("m-1", duties=claim) == 200
    time.sleep(2.5)
    assert words.is_served("w-2")
    assert words.report("m-1", duties={**claim, "peersGeneration": words.peers_generation()}) == 200
    end = time.monotonic() + 10
    while words.is_served("w-2"):
        assert time.monotonic() < end, "its drain is done, and it is served still"
        time.sleep(0.2)


def test_no_number_is_too_large(words):
    extreme = {"sentAt": 2**63 - 1, "phases": [{"name": "x", "startUs": -2**63, "endUs": 2**63 - 1, "detail": ""}],
               "unwell": [{"subject": "x", "message": "", "since": -2**63}]}
    assert words.report("m-1", **extreme) == 200
    assert words.report("w-1", **extreme) == 200
    assert words.report("w-1", sentAt=2**63) == 400
    words.site.muster("status")
    words.site.muster("node", "list")


def test_a_connection_that_says_close_among_others_is_closed(site):
    with socket.create_connection((site.ADDRESS, site.ports["boot"]), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: muster\r\nConnection: keep-alive, close\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):  # until the server closes
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in answer, answer
