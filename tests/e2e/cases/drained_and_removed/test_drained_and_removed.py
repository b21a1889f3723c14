"""Scale-in: a pool's machine is drained by the duties, its pods move, nothing of it is left; then its name and address are free."""
import json
import os

import pytest

from local_cluster import LAB, call

pytestmark = pytest.mark.long

POOL = """apiVersion: muster/v1
kind: NodePool
metadata: {name: pool}
spec: {cluster: lab, role: node, namePattern: "p-{index}", maximum: 3, addressRanges: [10.77.0.96/28], proofs: [token], labels: {example.com/pool: p}}
"""
MACHINES = {"c1": "10.77.0.98", "c2": "10.77.0.99"}
MASTERS = ("m1", "m2", "m3")


def switch_on(rack, host):
    token = json.loads(rack.muster("token", "create", "--cluster", "lab", "--pool", "pool", "--ttl", "30m", "-o", "json").stdout)["token"]
    tree = rack.machine_tree(host, token)
    call(LAB, "up", host, "--address", MACHINES[host], "--image", "ready", "--tree", tree)


@pytest.fixture(scope="module")
def pool(cluster):
    """Two machines in a pool of the shared cluster; a removed one's quarantine lasts a minute."""
    cluster.add_to_inventory("pool", POOL)
    with cluster.changed_inventory("  podCidr:", "  nodeCidr: 10.77.0.0/16\n  podCidr:"):
        cluster.stop_server()
        cluster.server_settings["memberQuarantineMinutes"] = 1
        cluster.start_server()
        for number, host in enumerate(MACHINES, 1):
            switch_on(cluster, host)
            cluster.wait_converged([f"p-{number}"])
        yield cluster
        call(LAB, "down", *MACHINES)
        os.remove(os.path.join(cluster.inventory, "pool.yaml"))
        cluster.apply("--remove")
        cluster.stop_server()
        cluster.server_settings.clear()
        cluster.start_server()
    # Whoever met no server meanwhile asks a minute later.
    cluster.wait_for("the pool's Nodes to go", lambda: not nodes(cluster) & {"p-1", "p-2"}, 180)


@pytest.fixture(scope="module")
def web(pool):
    """Two pods on the pool's machines that may not be disturbed."""
    container = {"name": "echo", "image": "localhost/muster-echo:1", "imagePullPolicy": "Never"}
    labels = {"app": "drained"}
    objects = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "drained"},
         "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                  "template": {"metadata": {"labels": labels}, "spec": {"nodeSelector": {"example.com/pool": "p"}, "terminationGracePeriodSeconds": 1,
                                                                        "containers": [container]}}}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "drained"},
         "spec": {"maxUnavailable": 0, "selector": {"matchLabels": labels}}},
    ]
    for made in objects:
        pool.kubectl("apply", "-f", "-", text_input=json.dumps(made))
    pool.kubectl("rollout", "status", "deployment/drained", "--timeout=60s")
    yield pool
    for kind in ("poddisruptionbudget", "deployment"):
        pool.kubectl("delete", kind, "drained", "--ignore-not-found")


def places(cluster):
    """Where the pods run that are not on their way out."""
    pods = json.loads(cluster.kubectl("get", "pods", "-l", "app=drained", "-o", "json").stdout)["items"]
    return sorted(pod["spec"].get("nodeName", "") for pod in pods if "deletionTimestamp" not in pod["metadata"])


def show(cluster, name):
    done = cluster.muster("node", "show", name, "--cluster", "lab", "-o", "json", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {"state": "nothing"}


def nodes(cluster):
    return set(cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").stdout.split())


def test_a_budget_holds_until_it_allows_the_drain(web):
    victim = places(web)[0]
    other = "p-2" if victim == "p-1" else "p-1"
    web.muster("node", "drain", victim)
    web.wait_for("the duties to meet the budget", lambda: "disruption budget" in (show(web, victim).get("drain") or {}).get("message", ""), 90)
    assert show(web, victim)["state"] == "draining"
    assert victim in places(web)
    # Whoever holds the Lease is killed in the middle of it.
    web.on_each(MASTERS, lambda host: web.run(host, "systemctl", "kill", "--signal=KILL", "muster-agent.service", check=False))
    web.on_each(MASTERS, lambda host: web.run(host, "systemctl", "restart", "muster-agent.service"))
    web.kubectl("patch", "poddisruptionbudget", "drained", "--type=merge", "--patch", '{"spec":{"maxUnavailable":1}}')
    web.wait_for("the drain", lambda: show(web, victim)["state"] == "drained", 240)
    web.kubectl("rollout", "status", "deployment/drained", "--timeout=60s")
    assert set(places(web)) == {other}
    # A drained node gets no pod.
    web.kubectl("scale", "deployment/drained", "--replicas=5")
    web.kubectl("rollout", "status", "deployment/drained", "--timeout=60s")
    assert places(web) == [other] * 5
    web.muster("node", "undrain", victim)
    web.wait_for("the node to take pods again",
                 lambda: web.kubectl("get", "node", victim, "-o", "jsonpath={.spec.unschedulable}").stdout == "", 90)
    assert show(web, victim)["state"] == "enrolled"


def test_removed_and_its_place_is_taken_again(web):
    done = web.muster("node", "remove", "p-1", "--wait", timeout=300)
    assert "drained first" in done.stdout
    assert "p-1" not in nodes(web)
    web.kubectl("rollout", "status", "deployment/drained", "--timeout=60s")
    assert set(places(web)) == {"p-2"}
    assert web.run("c1", "muster-agent", "converge", check=False, timeout=120).returncode == 5
    call(LAB, "down", "c1")
    # Its name and its address are free when the quarantine is over, and its Node object was gone before.
    web.wait_for("the place to be free", lambda: show(web, "p-1")["state"] == "nothing", 120)
    switch_on(web, "c1")
    web.wait_converged(["p-1"])
    assert "p-1" in nodes(web)
