"""An older copy of the store is put back under a running site: it does not start, until it is taken in as if restored."""
import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from local_cluster import LocalCluster, call
from metadata_machine import Machine
from own_disk import started_on
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
NOT_THE_ONE = "the store is not the one that ran here last"


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19680, "enrol": 19943, "node": 19944, "metrics": 19690})
        self.folder = os.path.join(state, "server")

    def apply(self, word):
        folder = os.path.join(self.state, "inventory")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "site.yaml"), "w", encoding="ascii") as out:
            out.write(INVENTORY.format(word=word))
        return json.loads(self.muster("apply", folder, "-o", "json").stdout)

    def databases(self):
        return [os.path.join(self.folder, name) for name in os.listdir(self.folder) if "sqlite" in name]

    def server(self, *words):
        return call(self.program("muster-server"), "--settings", os.path.join(self.state, "server.json"), *words, check=False, timeout=30)


@pytest.fixture(name="site")
def a_site(tmp_path):
    site = Site(str(tmp_path))
    site.start_server()
    import_small_releases(site)
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


@pytest.mark.parametrize("kind, key", [("authority", "-/machines"), ("document-key", None)])
def test_a_record_without_which_nothing_is_served_is_told_with_its_cure(site, kind, key):
    site.stop_server()
    with contextlib.closing(sqlite3.connect(os.path.join(site.folder, "state.sqlite"))) as store, store:
        (key,) = (key,) if key else store.execute("SELECT key FROM records WHERE kind = ?", (kind,)).fetchone()
        (good,) = store.execute("SELECT value FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        store.execute("UPDATE records SET value = ? WHERE kind = ? AND key = ?", (b"{", kind, key))
    done = site.server()
    assert done.returncode == 2 and key in done.stderr, done.stderr
    assert "nothing is served without that record: restore the site from a backup, muster-server restore FILE" in done.stderr, done.stderr
    with contextlib.closing(sqlite3.connect(os.path.join(site.folder, "state.sqlite"))) as store, store:
        store.execute("UPDATE records SET value = ? WHERE kind = ? AND key = ?", (good, kind, key))
    site.start_server()


class Master:
    def __init__(self, site):
        self.machine = Machine(os.path.join(site.state, "machines"), "m1", "127.0.0.1", (site.ports["enrol"], site.ports["node"]))
        made = site.muster("token", "create", "--cluster", "lab", "--node", "m1", "--role", "master", "-o", "json")
        status, answer = self.machine.enrol(json.loads(made.stdout)["token"])
        assert status == 200, answer
        self.counter, self.taken, self.digest, self.held = 0, 0, "", {}

    def takes(self):
        """As an agent does it: nothing older than it has, and tells which it has. Whether it took what is served."""
        status, envelope = self.machine.ask("GET", "/v1/document")
        assert status == 200, envelope
        payload = base64.b64decode(envelope["payload"])
        generation, took = json.loads(payload)["generation"], False
        if generation > self.taken:
            self.taken, self.digest, took = generation, "sha256:" + hashlib.sha256(payload).hexdigest(), True
            self.held["document"] = envelope
        self.counter += 1
        body = {"machineId": "m", "bootId": "b", "counter": self.counter, "agentVersion": "1", "documentDigest": self.digest,
                "fetchedDigest": self.digest, "generation": self.taken, "verdict": "converged", "failureClass": "", "message": "",
                "offline": False, "pending": [], "phases": [], "etcdClusterId": "", "etcdMemberId": "", "sentAt": int(time.time())}
        assert self.machine.ask("POST", "/v1/report", body)[0] == 200
        return took


def put_back(site, kept, how):
    if how == "the database":
        for path in site.databases():
            os.remove(path)
        for name in os.listdir(kept):
            if "sqlite" in name:
                shutil.copy(os.path.join(kept, name), site.folder)
    elif how == "the folder":
        shutil.rmtree(site.folder)
        shutil.copytree(kept, site.folder)
    else:
        call("cp", "-a", kept + "/.", site.folder)


@pytest.mark.parametrize("how", ["the database", "the folder", "the files of the folder, over the others"])
def test_an_older_copy_does_not_start_and_is_above_all_that_was_once_it_is_taken_in(site, how):
    site.apply("first")
    master = Master(site)
    site.stop_server()
    kept = os.path.join(site.state, "kept")
    shutil.copytree(site.folder, kept)
    site.start_server()
    for word in ("second", "third", "fourth"):
        site.apply(word)
        assert master.takes()
    assert master.taken == 4
    site.stop_server()
    put_back(site, kept, how)
    refused = site.server()
    assert refused.returncode == 2 and NOT_THE_ONE in refused.stderr and "take it in: muster-server take-copy" in refused.stderr, refused.stderr

    done = site.server("take-copy")
    assert "this copy is the site's store from now on, in epoch 1. Sealed, until you open each: lab." in done.stdout, done.stderr
    site.start_server()
    status, answer = master.machine.ask("GET", "/v1/document")
    assert (status, answer["kind"]) == (503, "sealed")
    assert site.muster("restore", "open", "lab", check=False).returncode == 5
    assert master.machine.ask("POST", "/v1/held", master.held) == (200, {"taken": True})
    site.muster("restore", "open", "lab")
    assert master.takes()
    assert master.taken == (1 << 32) + 1
    assert site.apply("fifth")["number"] == (1 << 32) + 2
    assert master.takes()
    # From here on it is a store like any other.
    site.stop_server()
    healthy = site.server("take-copy")
    assert healthy.returncode == 2 and "nothing to take in" in healthy.stderr, healthy.stderr
    site.start_server()
    assert json.loads(site.muster("status", "-o", "json").stdout)["sealed"] == []


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/loop-control"), reason="needs root and loop devices: a disk of its own")
@pytest.mark.parametrize("over", [False, True], ids=["in place of all", "over the others"])
def test_a_copy_is_told_on_a_disk_without_birth_times(tmp_path, over):
    """ext4 with inodes of 128 bytes: statx knows no birth time there."""
    disk = str(tmp_path / "disk")
    with open(disk, "wb") as out:
        out.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-I", "128", disk], check=True, capture_output=True)
    with started_on(Site(str(tmp_path / "site")), "-o", "loop", disk) as site:
        site.stop_server()
        kept = str(tmp_path / "kept")
        shutil.copytree(site.folder, kept)
        site.start_server()
        site.stop_server()
        if not over:
            for entry in os.scandir(site.folder):
                (shutil.rmtree if entry.is_dir() else os.remove)(entry.path)
        call("cp", "-a", kept + "/.", site.folder)
        refused = site.server()
        assert refused.returncode == 2 and NOT_THE_ONE in refused.stderr, refused.stderr
        assert "expected the file that was written, found a copy of it" in refused.stderr, refused.stderr
        assert site.server("take-copy").returncode == 0
        site.start_server()
        # A store like any other: it starts again, and does so after a kill.
        site.stop_server(signal.SIGKILL)
        site.start_server()
        assert "the disk of" not in json.loads(site.muster("status", "-o", "json").stdout)["backup"]["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a disk of its own")
def test_a_disk_that_tells_no_copy_is_red_in_the_status_with_its_cure(tmp_path):
    """ramfs: neither birth times nor generations."""
    with started_on(Site(str(tmp_path)), "-t", "ramfs", "-o", "mode=0700", "none") as site:
        told = json.loads(site.muster("status", "-o", "json").stdout)["backup"]
        assert (f"the disk of '{site.folder}' says neither when a file was made nor which one it is: an older copy of that folder would be "
                "served as if it were the site's newest") in told["message"]
        assert "stop the server, move the folder to a disk with birth times (ext4, xfs, btrfs), start it" in told["cure"]
        assert "says neither when a file was made" in site.muster("status", check=False).stdout
        site.stop_server()
        site.start_server()
