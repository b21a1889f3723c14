"""The server's disk is gone: the page "The server burned down" of metadata-server/backup/README.md, walked by its words."""
import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import stat
import time

import pytest

from local_cluster import REPOSITORY, LocalCluster, call
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases

README = os.path.join(REPOSITORY, "metadata-server", "backup", "README.md")
EPOCH = 1 << 32
CLUSTER = """apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec: {{kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: m1}}
spec: {{cluster: lab, role: master, address: 10.77.0.11, labels: {{word: "{word}"}}}}
"""
NODE = """---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: lab, role: node, address: 10.77.0.{address}, labels: {{word: "{word}"}}}}
"""
LATE = """apiVersion: muster/v1
kind: Cluster
metadata: {name: late}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.80.0.0/16, serviceCidr: 10.97.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: x1}
spec: {cluster: late, role: master, address: 10.77.0.31}
"""
PORTS = {"boot": 19780, "enrol": 20043, "node": 20044, "metrics": 19790}


class Site(LocalCluster):
    def __init__(self, state, advertise):
        super().__init__(state, address=advertise[0], ports=PORTS)
        self.server_settings = {"advertise": advertise}

    def apply(self, word, nodes):
        folder = os.path.join(self.state, "inventory")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "site.yaml"), "w", encoding="ascii") as out:
            out.write(CLUSTER.format(word=word) + "".join(NODE.format(name=name, address=20 + i, word=word) for i, name in enumerate(nodes)))
        return self.muster("apply", folder)

    def initialise(self):
        return call(self.program("muster-server"), "--settings", self.write_settings(), "init").stdout

    def metrics(self):
        return call("curl", "-s", f"http://127.0.0.1:{PORTS['metrics']}/metrics").stdout


class Member:
    """A machine that keeps what it was served, as an agent does."""

    def __init__(self, site, name, role="node", cluster="lab"):
        self.site, self.name, self.held = site, name, {}
        self.machine = Machine(os.path.join(site.state, "machines"), name, "127.0.0.1", (PORTS["enrol"], PORTS["node"]))
        made = site.muster("token", "create", "--cluster", cluster, "--node", name, "--role", role, "-o", "json")
        status, answer = self.machine.enrol(json.loads(made.stdout)["token"])
        assert status == 200, answer

    def polls(self):
        """(status, document's payload or the error)."""
        status, answer = self.machine.ask("GET", "/v1/trust")
        assert status == 200, answer
        self.held["trust"] = answer["chain"]
        for field in ("document", "peers"):
            status, answer = self.machine.ask("GET", f"/v1/{field}")
            if status != 200:
                return status, answer
            self.held[field] = answer
        return 200, payload_of(self.held["document"])

    def renews(self):
        """In another second than it enrolled in: of two keys of one second nobody knows which is newer."""
        old, enrolled = self.machine, os.stat(self.machine.certificate).st_mtime
        self.site.wait_for("the next second", lambda: int(time.time()) > int(enrolled), 5)
        new = Machine(os.path.join(self.site.state, "machines"), self.name + "-renewed", "127.0.0.1", (PORTS["enrol"], PORTS["node"]))
        _, answer = old.ask("POST", "/v1/nonce", {})
        csr = new.csr()
        body = {"nonce": answer["nonce"], "csr": csr, "proof": new.proof("recover", answer["nonce"], csr)}
        status, answer = old.ask("POST", "/v1/identity", body)
        assert status == 200, answer
        with open(new.certificate, "w", encoding="ascii") as out:
            out.write(answer["certificate"])
        self.machine = new

    def shows(self):
        return self.machine.ask("POST", "/v1/held", self.held)


def payload_of(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def commands_of_the_page():
    with open(README, encoding="utf-8") as stream:
        page = stream.read().split("## The server burned down")[1].split("\n## ")[0]
    return re.findall(r"^ {7}(\S.*)$", page, re.M)


@pytest.fixture(name="burned")
def a_site_that_burned_down(tmp_path):
    """Its machines hold what came after the backup: a ban, a renewed key, a later generation."""
    site = Site(str(tmp_path / "old"), ["127.0.0.1", "localhost"])
    out = site.initialise()
    pin = re.match(r"site pin (sha256:[0-9a-f]{64})\n", out).group(1)
    key = tmp_path / "recovery.key"
    key.write_text(out[out.index("-----BEGIN PRIVATE KEY-----"):], encoding="ascii")
    assert "PRIVATE KEY" not in site.initialise()
    site.start_server()
    import_small_releases(site)
    site.apply("first", ["n1", "n2"])
    machines = {"m1": Member(site, "m1", "master"), "n1": Member(site, "n1"), "n2": Member(site, "n2")}
    for machine in machines.values():
        assert machine.polls()[0] == 200
    site.muster("token", "create", "--cluster", "lab", "--role", "node", "-o", "json")
    assert "the CA keys of the site, cluster 'lab' are in no backup" in site.muster("status").stdout
    assert "muster_backup_unsaved_authorities 2" in site.metrics()
    backup = tmp_path / "muster.backup"
    site.muster("backup", str(backup))
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600
    assert "in no backup" not in site.muster("status").stdout
    assert "muster_backup_unsaved_authorities 0" in site.metrics()
    taken = site.muster("backup", str(backup), check=False)
    assert taken.returncode == 5 and "is there already; --force replaces it" in taken.stderr

    site.muster("ban", "n2", "--reason", "stolen")
    machines["n1"].renews()
    for word in ("second", "third"):
        site.apply(word, ["n1", "n2"])
    for name in ("m1", "n1"):
        assert machines[name].polls()[0] == 200
    assert machines["n2"].machine.ask("GET", "/v1/document")[0] == 403
    late = tmp_path / "late"
    late.mkdir()
    (late / "site.yaml").write_text(LATE, encoding="ascii")
    site.muster("apply", str(late))
    machines["x1"] = Member(site, "x1", "master", "late")
    assert machines["x1"].polls()[0] == 200
    site.stop_server(signal.SIGKILL)
    shutil.rmtree(os.path.join(site.state, "server"))
    yield site, machines, pin
    site.stop_server()


@pytest.fixture(name="sites")
def more_sites():
    """Whose servers end with the test."""
    made = []

    def make(state, advertise):
        made.append(Site(str(state), advertise))
        return made[-1]
    yield make
    for site in made:
        site.stop_server()
        assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def test_the_page_is_walked(burned, sites, tmp_path):
    old, machines, pin = burned
    site = sites(tmp_path / "new", ["localhost"])  # the other name that was listed
    settings = site.write_settings()
    walked = []

    def walk(until):
        """The page's own commands, in its order."""
        for command in commands_of_the_page()[len(walked):]:
            walked.append(command)
            words = shlex.split(command.replace("sha256:...", pin))
            if words[0] == "systemctl":
                site.start_server()
            elif words[0] == "muster-server":
                words = [os.path.join(tmp_path, word) if word in ("muster.backup", "recovery.key") else word for word in words]
                done = call(site.program("muster-server"), "--settings", settings, *words[1:]).stdout
                assert f"restored the site {pin} in epoch 1. Sealed, until you open each: lab." in done
            elif words[0] == "chmod":
                call(*words[:-1], os.path.join(tmp_path, words[-1]))
            else:
                assert words[0] == "muster", command
                out = site.muster(*words[1:], check=False)
                if command.startswith(until):
                    return out
        assert not until
        return None

    def sealed():
        return json.loads(site.muster("restore", "status", "-o", "json").stdout)["clusters"]

    # Up to "Wait until the machines came by": nothing is served, nobody is let in.
    out = walk("muster restore status").stdout
    assert "0 machine(s) showed what they hold" in out and "no master was heard: who is banned is not known yet" in out
    for name in ("m1", "n1", "n2"):
        status, answer = machines[name].polls()
        assert (status, answer["kind"]) == (503, "sealed"), answer
    assert json.loads(site.muster("token", "list", "-o", "json").stdout)["tokens"] == []
    refused = site.muster("restore", "open", "lab", check=False)
    assert refused.returncode == 5 and "at least as new as the backup, heard none from m1" in refused.stderr, refused.stderr
    # A cluster that the backup does not know is named, with its machines.
    assert machines["x1"].machine.ask("GET", "/v1/trust")[1]["kind"] == "identity_unknown"
    assert json.loads(site.muster("restore", "status", "-o", "json").stdout)["lostClusters"] == [{"cluster": "late", "machines": ["x1"]}]
    assert "cluster late: made after the backup: its CA keys are lost, and no inventory here has it\n" in site.muster("restore", "status").stdout
    before = {name: payload_of(machine.held["document"])["generation"] for name, machine in machines.items()}

    # What a machine says and the site did not sign is not believed.
    forged = json.loads(json.dumps(machines["n2"].held))
    document = payload_of(forged["document"])
    document["generation"] = 1 << 40
    forged["document"]["payload"] = base64.b64encode(json.dumps(document).encode()).decode()
    status, answer = machines["n2"].machine.ask("POST", "/v1/held", forged)
    assert (status, answer) == (200, {"taken": False})
    assert sealed()[0]["generation"] < 1 << 32
    for name in ("n1", "m1", "n2"):
        assert machines[name].shows() == (200, {"taken": True})
    (row,) = sealed()
    assert row["banned"] == ["n2"] and row["unheard"] == [] and row["masterHeard"] and row["generation"] >= before["m1"]

    opened = walk("muster restore open lab")
    assert opened.returncode == 0 and "cluster lab goes on" in opened.stdout, opened.stderr
    assert re.search("n1: key sha256:[0-9a-f]{64} has it, which the site signed after the backup was made", opened.stdout), opened.stdout
    walk("")
    for name in ("m1", "n1"):
        status, document = machines[name].polls()
        assert status == 200 and document["generation"] > EPOCH > before[name], document
        assert payload_of(machines[name].held["peers"])["generation"] > EPOCH
    assert payload_of(machines["m1"].held["document"])["config"]["bannedMachines"] == ["n2"]
    assert machines["n2"].machine.ask("GET", "/v1/document")[1]["kind"] == "banned"
    trust = payload_of(machines["m1"].held["trust"][-1])
    assert trust["version"] > EPOCH and trust["servers"]["node"] == [f"https://localhost:{PORTS['node']}"]

    # The operator's folder of today, and a machine that is new.
    import_small_releases(site)
    site.apply("third", ["n1", "n2", "n3"])
    new = Member(site, "n3")
    assert new.polls()[0] == 200
    site.stop_server()
    site.start_server()
    assert machines["n1"].polls()[0] == 200


def test_a_machine_that_is_listed_nowhere_is_refused_and_the_machines_to_be_told_are_named(burned, tmp_path):
    _, _, pin = burned
    site = Site(str(tmp_path / "new"), ["10.9.9.9"])
    restore = (site.program("muster-server"), "--settings", site.write_settings(), "restore", str(tmp_path / "muster.backup"),
               "--pin", pin, "--key", str(tmp_path / "recovery.key"))
    os.chmod(tmp_path / "recovery.key", 0o600)
    refused = call(*restore, check=False)
    assert refused.returncode == 2 and f"by which machines know the server, https://127.0.0.1:{PORTS['node']}, https://localhost:{PORTS['node']}" in refused.stderr
    assert not os.path.exists(os.path.join(site.state, "server"))
    moved = call(*restore, "--move").stdout
    assert "need another in enrolServers of their agent.json: lab/m1, lab/n1, lab/n2" in moved, moved
    again = call(*restore, "--move", check=False)
    assert again.returncode == 2 and "expected none, found a store" in again.stderr


def test_where_backups_are_required_a_new_cluster_waits_for_one(sites, tmp_path):
    site = sites(tmp_path / "site", ["127.0.0.1"])
    site.server_settings["backup"] = "required"
    site.initialise()
    site.start_server()
    import_small_releases(site)
    site.apply("first", [])
    machine = Machine(str(tmp_path), "m1", "127.0.0.1", (PORTS["enrol"], PORTS["node"]))
    token = json.loads(site.muster("token", "create", "--cluster", "lab", "--node", "m1", "--role", "master", "-o", "json").stdout)["token"]
    status, answer = machine.enrol(token)
    assert (status, answer["awaits"]) == (202, "backup"), answer
    assert "; new machines of cluster 'lab' wait for it, since this server's settings say \"backup\": \"required\"" in site.muster("status").stdout
    site.muster("backup", str(tmp_path / "muster.backup"))
    assert "wait for it" not in site.muster("status").stdout
    status, answer = machine.enrol(token)
    assert status == 200, answer


def test_backups_in_a_folder_are_taken_away_and_the_newest_stay(sites, tmp_path):
    site = sites(tmp_path / "site", ["127.0.0.1"])
    site.initialise()
    site.start_server()
    folder, taken, program = tmp_path / "folder", tmp_path / "taken", tmp_path / "take-away"
    folder.mkdir()
    program.write_text(f'#!/bin/sh\n[ ! -e {tmp_path}/broken ] && cp "$1" {taken}\n', encoding="ascii")
    program.chmod(0o755)
    (folder / "somebody-elses").touch()
    backup = ("backup", "--folder", str(folder), "--keep", "2", "--run", str(program))

    def kept():
        return json.loads(site.muster("backup", "show", "-o", "json").stdout)

    (tmp_path / "broken").touch()
    failed = site.muster(*backup, check=False)
    assert failed.returncode == 1 and "expected exit status 0, found 1; the backup counts as none" in failed.stderr, failed.stderr
    assert kept()["last"] is None and kept()["unsaved"] == ["-"]
    os.remove(tmp_path / "broken")
    for _ in range(3):
        site.wait_for("another second", lambda: site.muster(*backup, check=False).returncode == 0, 5)
    files = sorted(os.listdir(folder))
    assert len(files) == 3 and files[-1] == "somebody-elses", files
    newest = max(files[:2], key=lambda name: os.stat(folder / name).st_mtime_ns)
    assert (folder / newest).read_bytes() == taken.read_bytes()
    assert kept()["unsaved"] == [] and kept()["last"]["digest"] == "sha256:" + hashlib.sha256(taken.read_bytes()).hexdigest()
