"""A CI job's certificate: what it must not open, and what it must not take twice."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import REPOSITORY
from metadata_machine import Machine, openssl
from small_template import set_small_template

OPEN = {"post_clusters", "get_clusters", "post_scale", "post_extend", "delete_cluster", "get_templates", "get_nodes", "get_node", "post_kubeconfig"}


class Job(Machine):
    """An operator's certificate, as a job holds it."""

    def __init__(self, site, name, *limits):
        super().__init__(os.path.join(site.state, "jobs"), name, site.ADDRESS, (site.ports["enrol"], site.ports["node"]))
        request = os.path.join(self.folder, "csr.pem")
        openssl("req", "-new", "-key", self.key, "-subj", f"/CN={name}", "-out", request)
        with open(self.certificate, "w", encoding="ascii") as out:
            out.write(site.muster("operator", "add", name, "--csr", request, *limits).stdout)

    def create(self, name, **more):
        return self.ask("POST", "/v1/operator/clusters", {"name": name, "template": "small", "ttlSeconds": 3600, **more})


@pytest.fixture(scope="module")
def job(site):
    set_small_template(site, "small", "precious")
    site.muster("cluster", "create", "theirs", "--template", "small", "--nodes", "1")
    yield Job(site, "job", "--templates", "small", "--clusters", "3", "--machines", "10", "--ttl", "2h")
    site.muster("cluster", "delete", "theirs")


def operations():
    with open(os.path.join(REPOSITORY, "metadata-server", "http", "openapi.json"), encoding="utf-8") as stream:
        for path, item in json.load(stream)["paths"].items():
            for method, operation in item.items():
                if path.startswith("/v1/operator/") and "node" in operation["x-listeners"]:
                    yield method.upper(), path, operation["operationId"]


def test_every_other_route_is_shut(job):
    tried = 0
    for method, path, operation in operations():
        for cluster in ("theirs", "lab"):
            filled = path.replace("{cluster}", cluster).replace("{node}", "n1").replace("{order}", "drain").replace("{digest}", "sha256:" + "0" * 64)
            filled = filled.replace("{name}", "small").replace("{id}", "0" * 16).replace("{version}", "1")
            status, answer = job.ask(method, filled, {} if method in ("POST", "PUT") else None)
            if operation not in OPEN:
                assert (status, answer["kind"]) == (403, "operator_restricted"), (method, filled, answer)
            elif "{cluster}" in path:
                assert (status, answer["kind"]) == (404, "not_found"), (method, filled, answer)
            tried += 1
    assert tried > 60


def test_others_clusters_are_not_there(site, job):
    assert job.ask("GET", "/v1/operator/clusters")[1] == {"clusters": []}
    assert job.ask("GET", "/v1/operator/nodes?cluster=lab")[1] == {"nodes": [], "banned": [], "unread": [], "next": ""}
    assert job.ask("POST", "/v1/operator/kubeconfig", {"cluster": "lab"})[0] == 404
    # One that is there, and one that is not, are the same answer.
    there, absent = (job.ask("DELETE", f"/v1/operator/clusters/{name}") for name in ("theirs", "absent"))
    assert there[0] == absent[0] == 404
    assert there[1]["message"].replace("theirs", "absent") == absent[1]["message"]
    assert job.create("x", template="precious")[1]["kind"] == "template_not_allowed"
    assert job.create("x", template="none")[1]["kind"] == "template_not_allowed"
    assert job.create("x", ttlSeconds=3 * 3600)[1]["kind"] == "quota_exceeded"
    assert job.create("x", nodes=4_000_000_000, masters=4_000_000_000)[1]["kind"] == "quota_exceeded"


def test_it_does_not_lift_its_own_limits(site, job):
    assert job.ask("PUT", "/v1/operator/operators/job/limits", {})[0] == 403
    request = os.path.join(job.folder, "csr.pem")
    # Renewed by somebody who does not think of the limits.
    renewed = site.muster("operator", "add", "job", "--csr", request).stdout
    with open(job.certificate, "w", encoding="ascii") as out:
        out.write(renewed)
    assert job.ask("GET", "/v1/operator/status")[1]["kind"] == "operator_restricted"


def test_the_last_place_is_taken_once(job):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: job.create(f"race-{i}", nodes=1), range(8)))
    taken = [i for i, (status, _) in enumerate(answers) if status == 200]
    assert len(taken) == 3, answers
    assert {answer["kind"] for status, answer in answers if status != 200} == {"quota_exceeded"}
    machines = [job.ask("POST", f"/v1/operator/clusters/race-{i}/scale", {"nodes": 5}) for i in taken]
    assert sorted(status for status, _ in machines) == [200, 403, 403], machines
    for i in taken:
        assert job.ask("DELETE", f"/v1/operator/clusters/race-{i}")[0] == 200
    assert job.ask("GET", "/v1/operator/clusters")[1] == {"clusters": []}
