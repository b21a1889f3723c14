"""An older database is put back under a running site: its machines take what an operator publishes next."""
import base64
import hashlib
import json
import os
import shutil
import time

import pytest

from local_cluster import LocalCluster
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases

INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec: {{kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: m1}}
spec: {{cluster: lab, role: master, address: 10.77.0.11, labels: {{word: "{word}"}}}}
"""


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19680, "enrol": 19943, "node": 19944, "metrics": 19690})

    def apply(self, word):
        folder = os.path.join(self.state, "inventory")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "site.yaml"), "w", encoding="ascii") as out:
            out.write(INVENTORY.format(word=word))
        return json.loads(self.muster("apply", folder, "-o", "json").stdout)

    def databases(self):
        folder = os.path.join(self.state, "server")
        return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if ".db" in name or "sqlite" in name]


@pytest.fixture(name="site")
def a_site(tmp_path):
    site = Site(str(tmp_path))
    site.start_server()
    import_small_releases(site)
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


class Master:
    def __init__(self, site):
        self.machine = Machine(os.path.join(site.state, "machines"), "m1", "127.0.0.1", (site.ports["enrol"], site.ports["node"]))
        made = site.muster("token", "create", "--cluster", "lab", "--node", "m1", "--role", "master", "-o", "json")
        status, answer = self.machine.enrol(json.loads(made.stdout)["token"])
        assert status == 200, answer
        self.counter, self.taken, self.digest = 0, 0, ""

    def takes(self):
        """As an agent does it: nothing older than it has, and tells which it has. Whether it took what is served."""
        status, envelope = self.machine.ask("GET", "/v1/document")
        assert status == 200, envelope
        payload = base64.b64decode(envelope["payload"])
        generation, took = json.loads(payload)["generation"], False
        if generation > self.taken:
            self.taken, self.digest, took = generation, "sha256:" + hashlib.sha256(payload).hexdigest(), True
        self.counter += 1
        body = {"machineId": "m", "bootId": "b", "counter": self.counter, "agentVersion": "1", "documentDigest": self.digest,
                "fetchedDigest": self.digest, "generation": self.taken, "verdict": "converged", "failureClass": "", "message": "",
                "offline": False, "pending": [], "phases": [], "etcdClusterId": "", "etcdMemberId": "", "sentAt": int(time.time())}
        assert self.machine.ask("POST", "/v1/report", body)[0] == 200
        return took


def test_what_an_operator_publishes_is_taken_after_an_older_database_was_put_back(site):
    site.apply("first")
    master = Master(site)
    site.stop_server()
    kept = os.path.join(site.state, "kept")
    os.makedirs(kept)
    for path in site.databases():
        shutil.copy(path, kept)
    site.start_server()
    for word in ("second", "third", "fourth"):
        site.apply(word)
        assert master.takes()
    assert master.taken == 4

    site.stop_server()
    for path in site.databases():
        name = os.path.basename(path)
        os.remove(path)
        if os.path.exists(os.path.join(kept, name)):
            shutil.copy(os.path.join(kept, name), path)
    site.start_server()
    assert not master.takes()
    status = json.loads(site.muster("status", "-o", "json").stdout)
    assert status["clusters"][0]["twoHistories"] == 1
    assert "revision rollback" in status["worst"][0]["cure"]
    done = site.muster("revision", "rollback", "1", "--cluster", "lab").stdout
    assert "m1 took generation 4 of another history of this site: all of it is published anew as generation 5" in done
    assert "lab: published as revision 5 (sha256:" in done
    assert master.takes() and master.taken == 5
    status = json.loads(site.muster("status", "-o", "json").stdout)
    assert status["clusters"][0]["twoHistories"] == 0
    assert "nothing was published; it is at revision 5" in site.muster("revision", "rollback", "5", "--cluster", "lab").stdout
    assert site.apply("fifth")["number"] == 6
    assert master.takes()
