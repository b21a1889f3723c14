"""Machines that nobody listed: what a pool's token, and an address, do not give."""
import json
import os

import pytest

from conftest import mac

POOLS = """apiVersion: muster/v1
kind: Cluster
metadata: {name: pools}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.65.0.0/16, serviceCidr: 10.97.0.0/16, nodeCidr: 127.0.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: pools, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [127.0.2.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: pools, role: node, namePattern: "ci-{index}", maximum: 2, addressRanges: [127.0.3.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: cloud}
spec: {cluster: pools, role: node, namePattern: "cloud-{index}", maximum: 2, addressRanges: [127.0.4.0/24],
  proofs: [token, instanceIdentity], instanceIdentity: {accounts: ["123456789012"], regions: [eu-central-1]}}
"""


class Pools:
    def __init__(self, site):
        self.site = site
        folder = os.path.join(site.state, "pools")
        os.makedirs(folder)
        with open(os.path.join(folder, "cluster.yaml"), "w", encoding="ascii") as out:
            out.write(POOLS)
        site.muster("apply", folder)

    def token(self, pool, count=1):
        made = self.site.muster("token", "create", "--cluster", "pools", "--pool", pool, "--count", str(count), "-o", "json")
        return json.loads(made.stdout)["token"]

    def enrol(self, name, source, token, hint=""):
        machine = self.site.machine(name, source)
        return machine, *machine.enrol(token, hint)


@pytest.fixture(scope="module")
def pools(site):
    return Pools(site)


@pytest.fixture(scope="module")
def master(pools):
    machine, status, answer = pools.enrol("pool-master", "127.0.2.1", pools.token("masters"))
    assert (status, answer.get("node")) == (200, "m-1"), answer
    return machine


def test_nobody_is_served_before_the_master_is_there(pools):
    machine, status, answer = pools.enrol("early", "127.0.3.1", pools.token("ci"))
    assert status == 202, answer
    assert not os.path.exists(machine.certificate)


def test_who_waited_is_a_member_and_no_more(pools, master):
    early, status, answer = pools.enrol("early", "127.0.3.1", "muster1.0000000000000000.x")
    assert (status, answer["kind"]) == (401, "token_unknown"), answer
    early, status, answer = pools.enrol("early", "127.0.3.1", pools.token("ci"))
    assert (status, answer.get("node")) == (200, "ci-1"), answer
    status, document = early.ask("GET", "/v1/document")
    assert status == 200
    assert early.ask("GET", "/v1/secrets/service-account-key?version=1")[0] in (403, 404)
    assert master.ask("GET", "/v1/secrets/service-account-key?version=1")[0] == 200
    csr = early.csr()
    for name in ("kube-apiserver", "etcd-server", "bootstrap-admin"):
        assert early.ask("POST", "/v1/certificates", {"requests": [{"name": name, "csr": csr}]})[0] in (403, 404)


def test_a_pools_token_makes_no_master_of_another_cluster(pools, master):
    # The hardware of the listed master of "lab": a hint, no right.
    _, status, answer = pools.enrol("greedy", "127.0.3.2", pools.token("ci"), mac(11))
    assert (status, answer.get("node"), answer.get("cluster")) == (200, "ci-2", "pools"), answer


def test_the_role_of_a_pools_token_is_the_pools(pools):
    made = json.loads(pools.site.muster("token", "create", "--cluster", "pools", "--pool", "ci", "--role", "master", "-o", "json").stdout)
    listed = json.loads(pools.site.muster("token", "list", "-o", "json").stdout)["tokens"]
    assert [token["role"] for token in listed if token["id"] == made["id"]] == ["node"]


def test_a_full_pool_takes_nobody(pools):
    token = pools.token("ci", 5)
    _, status, answer = pools.enrol("third", "127.0.3.3", token)
    assert (status, answer["kind"]) == (409, "pool_full"), answer
    assert "127.0.3.3" not in str(pools.site.muster("node", "list", "--cluster", "pools").stdout)


def test_a_second_use_is_refused(pools, master):
    token = pools.token("masters")
    _, status, answer = pools.enrol("another-master", "127.0.2.2", token)
    assert (status, answer["kind"]) == (409, "pool_full"), answer
    spent = pools.token("ci")
    assert pools.enrol("early", "127.0.3.1", spent)[1] == 200  # who holds the name spends nothing
    listed = json.loads(pools.site.muster("token", "list", "-o", "json").stdout)["tokens"]
    assert [t["left"] for t in listed if spent.split(".")[1] == t["id"]] == [1]


def test_an_address_outside_the_range_is_refused(pools):
    _, status, answer = pools.enrol("outside", "127.0.5.1", pools.token("ci"))
    assert (status, answer["kind"]) == (403, "address_outside"), answer
    # A node of one pool does not move into another's range.
    _, status, answer = pools.enrol("outside", "127.0.2.9", pools.token("ci"))
    assert (status, answer["kind"]) == (403, "address_outside"), answer


def test_an_address_that_is_taken_is_refused(pools, master):
    _, status, answer = pools.enrol("imposter", "127.0.2.1", pools.token("masters"))
    assert (status, answer["kind"]) == (409, "address_taken"), answer
    assert master.ask("GET", "/v1/document")[0] == 200


def test_a_token_alone_is_not_enough_where_the_pool_asks_for_more(pools):
    _, status, answer = pools.enrol("cloudless", "127.0.4.1", pools.token("cloud"))
    assert (status, answer["kind"]) == (403, "proof_missing"), answer


def test_a_removed_member_is_nobody_and_its_name_waits(pools, master):
    thief = pools.site.machine("greedy", "127.0.3.2")
    assert thief.ask("GET", "/v1/document")[0] == 200
    pools.site.muster("node", "remove", "ci-2", "--cluster", "pools")
    assert thief.ask("GET", "/v1/document")[0] in (401, 403)
    _, status, answer = pools.enrol("next", "127.0.3.9", pools.token("ci"))
    assert (status, answer["kind"]) == (409, "pool_full"), answer
    assert "ci-2" not in str(pools.site.muster("node", "list", "--cluster", "pools").stdout)
