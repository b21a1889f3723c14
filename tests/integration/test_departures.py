"""How machines leave, and who may make clusters, through the real programs."""
import json
import os
import subprocess
import time

import pytest

from metadata_machine import Machine, openssl
from small_releases import import_small_releases
from small_template import set_small_template
from test_on_demand import Site, created, settings_in  # noqa: F401

PORTS = {"boot": 18281, "enrol": 18645, "node": 18646, "metrics": 19381}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("departures")))
    site.ports = PORTS
    site.start_server()
    import_small_releases(site)
    set_small_template(site, "small", "other")
    yield site
    site.stop_server()


class Cluster:
    """A cluster on demand with machines that report as agents do."""

    def __init__(self, site, tmp_path, name, net, nodes=1):
        self.site, self.name, self.net, self.counter = site, name, net, 0
        files = created(site, tmp_path, name, "--nodes", str(nodes))
        self.machines = {"m-1": self.enrol("m-1", f"127.0.2.{net}", files[f"{name}-master-1.yaml"])}
        for i in range(1, nodes + 1):
            self.machines[f"w-{i}"] = self.enrol(f"w-{i}", f"127.0.3.{net + i}", files[f"{name}-nodes.yaml"])
        for machine in self.machines:
            self.report(machine)

    def enrol(self, name, source, user_data):
        machine, status, answer = self.site.enrol(self.name, name, source, user_data)
        assert (status, answer.get("node")) == (200, name), answer
        return machine

    def report(self, name, duties=None):
        self.counter += 1
        body = {"machineId": name, "bootId": name, "counter": self.counter, "agentVersion": "1", "documentDigest": "", "generation": 1,
                "verdict": "converged", "failureClass": "", "message": "", "offline": False, "pending": [], "phases": [],
                "etcdClusterId": "c1" if name == "m-1" else "", "etcdMemberId": "e1" if name == "m-1" else "", "sentAt": int(time.time())}
        if duties is not None:
            body["duties"] = duties
        status, answer = self.machines[name].ask("POST", "/v1/report", body)
        assert status == 200, answer

    def peers(self):
        import base64
        status, envelope = self.machines["m-1"].ask("GET", "/v1/peers")
        assert status == 200
        return json.loads(base64.b64decode(envelope["payload"]))

    def duties(self, done=(), waits=(), leaving=()):
        """Told as the master's agent does: about drains that the peer list already orders."""
        def are_ordered():
            return all(any(peer["name"] == n and peer.get("drain") for peer in self.peers()["peers"]) for n in (*done, *waits))
        self.site.wait_for(f"the peer list to order the drains of {', '.join((*done, *waits))}", are_ordered, 15)
        drains = [{"node": n, "done": True, "message": ""} for n in done] + [{"node": n, "done": False, "message": "pod ci/web: its budget"} for n in waits]
        self.report("m-1", {"peersGeneration": self.peers()["generation"], "leaving": list(leaving), "drains": drains})

    def show(self, name):
        return self.site.json("node", "show", name, "--cluster", self.name)

    def await_state(self, name, state):
        self.site.wait_for(f"{name} to be {state}", lambda: self.show(name)["state"] == state, 15)


def test_drained_then_removed_across_a_killed_server(site, tmp_path):
    cluster = Cluster(site, tmp_path, "leave", 10, nodes=2)
    site.muster("node", "drain", "w-2", "--cluster", "leave")
    assert {peer["name"]: peer.get("drain") for peer in cluster.peers()["peers"]} == {"m-1": None, "w-1": None, "w-2": "evict"}
    assert cluster.show("w-2")["state"] == "draining"
    site.muster("node", "undrain", "w-2", "--cluster", "leave")
    assert cluster.show("w-2")["state"] == "enrolled"

    watching = subprocess.Popen([site.program("muster"), "--server", f"unix:{site.socket}", "node", "remove", "w-1", "--cluster", "leave", "--wait"],
                                stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cluster.await_state("w-1", "removing")
    cluster.duties(waits=["w-1"])
    assert cluster.show("w-1")["drain"]["message"] == "pod ci/web: its budget"
    time.sleep(1.5)
    cluster.duties(done=["w-1"])
    cluster.await_state("w-1", "leaving")
    assert cluster.machines["w-1"].ask("GET", "/v1/document")[0] in (401, 403)
    cluster.duties(leaving=["w-1"])
    site.stop_server()
    site.start_server()
    assert cluster.show("w-1")["state"] == "leaving"
    cluster.duties()
    cluster.await_state("w-1", "left")
    out, err = watching.communicate(timeout=20)
    assert "drained first, then removed" in out
    assert "w-1: removing: pod ci/web: its budget" in err, err

    refused = site.muster("node", "remove", "m-1", "--cluster", "leave", check=False)
    assert refused.returncode == 5 and "expected another master beside it, found none" in refused.stderr, refused.stderr
    site.muster("cluster", "delete", "leave")


def test_scaled_in(site, tmp_path):
    cluster = Cluster(site, tmp_path, "shrink", 20, nodes=3)
    answer = site.json("cluster", "scale", "shrink", "--nodes", "1")
    assert sorted(row["node"] for row in answer["removing"]) == ["w-2", "w-3"]
    assert all(row["draining"] for row in answer["removing"])
    cluster.duties(done=["w-2", "w-3"])
    cluster.await_state("w-2", "leaving")
    cluster.await_state("w-3", "leaving")
    assert cluster.show("w-1")["state"] == "enrolled"
    site.muster("cluster", "delete", "shrink")


def test_unused_counts_end_when_all_are_ready(site, tmp_path):
    files = created(site, tmp_path, "count", "--nodes", "1")
    extra = settings_in(files["count-nodes.yaml"])["token"].split(".")[1]
    site.muster("cluster", "delete", "count")
    assert extra not in site.muster("token", "list").stdout
    cluster = Cluster(site, tmp_path / "again", "count", 30, nodes=1) if (tmp_path / "again").mkdir() is None else None
    more = site.json("cluster", "scale", "count", "--nodes", "3")["userData"][0]
    token = settings_in(more["text"])["token"].split(".")[1]
    assert token in site.muster("token", "list").stdout
    answer = site.json("cluster", "scale", "count", "--nodes", "1")
    assert answer["removing"] == []
    assert token not in site.muster("token", "list").stdout
    cluster.report("w-1")
    site.muster("cluster", "delete", "count")


class Job:
    """A CI job with its own certificate."""

    def __init__(self, site, name, *limits):
        self.site, self.folder = site, os.path.join(site.state, "operators", name)
        os.makedirs(self.folder)
        self.key, request, self.certificate = (os.path.join(self.folder, file) for file in ("key.pem", "csr.pem", "crt.pem"))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        openssl("req", "-new", "-key", self.key, "-subj", f"/CN={name}", "-out", request)
        made = site.muster("operator", "add", name, "--csr", request, *limits).stdout
        with open(self.certificate, "w", encoding="ascii") as out:
            out.write(made)

    def ask(self, method, path, body=None):
        machine = Machine.__new__(Machine)
        machine.address, machine.source, machine.key, machine.certificate = "127.0.0.1", None, self.key, self.certificate
        return machine.request(self.site.ports["node"], method, "/v1/operator/" + path, body, with_certificate=True)


def test_a_job_makes_clusters_within_its_quota_and_nothing_else(site):
    job = Job(site, "ci", "--templates", "small", "--clusters", "2", "--machines", "5", "--ttl", "2h")
    status, made = job.ask("POST", "clusters", {"name": "job-1", "template": "small", "nodes": 2, "ttlSeconds": 3600})
    assert status == 200 and [file["machines"] for file in made["userData"]] == [1, 2], made
    status, answer = job.ask("POST", "clusters", {"name": "job-2", "template": "small", "nodes": 2, "ttlSeconds": 3600})
    assert (status, answer["kind"]) == (403, "quota_exceeded"), answer
    assert "expected at most 5 machines at once, 3 are in use and 3 were asked for" in answer["message"]
    assert job.ask("POST", "clusters", {"name": "job-2", "template": "other", "ttlSeconds": 3600})[1]["kind"] == "template_not_allowed"
    site.muster("operator", "limit", "ci", "--templates", "small,other", "--clusters", "2", "--machines", "6", "--ttl", "2h")
    assert job.ask("POST", "clusters", {"name": "job-2", "template": "other", "nodes": 2, "ttlSeconds": 3600})[0] == 200
    assert "2 cluster(s) of small, other, 6 machine(s), 2h 0m" in site.muster("operator", "list").stdout
    assert sorted(row["name"] for row in job.ask("GET", "clusters")[1]["clusters"]) == ["job-1", "job-2"]
    for path in ("status", "audit", "tokens", "operators", "secrets"):
        status, answer = job.ask("GET", path)
        assert (status, answer["kind"]) == (403, "operator_restricted"), (path, answer)
    for name in ("job-1", "job-2"):
        assert job.ask("DELETE", f"clusters/{name}")[0] == 200
    site.muster("operator", "revoke", "ci")
    assert job.ask("GET", "clusters")[0] == 403
