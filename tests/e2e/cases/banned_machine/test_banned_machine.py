"""A banned machine is out: at the metadata server at once, at the API server within a minute, with every
credential it holds and over connections it has already; and back after `unban`."""
import time

import pytest

pytestmark = pytest.mark.long

CREDENTIALS = {"kubelet": ("get", "node", "n7"), "kube-proxy": ("get", "services", "-A")}
# The authorizer of the banned is a webhook to nowhere that fails to Deny: the API server says so as an error of
# its own, not as a 403.
DENIED = "dial tcp 127.0.0.1:1: connect: connection refused"
KUBECTL = "/opt/muster/current/kubernetes-node/bin/kubectl"


def ask(cluster, credential):
    return cluster.run("n7", KUBECTL, "--kubeconfig", f"/etc/kubernetes/{credential}.kubeconfig", "--request-timeout=5s",
                       *CREDENTIALS[credential], check=False)


def is_refused(cluster, credential):
    done = ask(cluster, credential)
    return done.returncode != 0 and DENIED in done.stderr


def test_ban_and_way_back(cluster):
    cluster.add_node("n7", "10.77.0.27")
    cluster.apply()
    cluster.power_on({"n7": ("node", "10.77.0.27")})
    cluster.wait_converged(["n7"], seconds=120)
    for credential in CREDENTIALS:
        assert ask(cluster, credential).returncode == 0

    cluster.muster("ban", "n7", "--cluster", "lab")
    began = time.monotonic()
    done = cluster.converge("n7", check=False)
    assert done.returncode == 1 and "banned" in done.stderr, done.stderr
    for credential in CREDENTIALS:
        # The balancer asks all three API servers in turn: refused is who is refused by each.
        cluster.wait_for(f"the refusal of n7's {credential}",
                         lambda: all(is_refused(cluster, credential) for _ in range(6)), 60 - (time.monotonic() - began))
    print(f"refused everywhere {time.monotonic() - began:.1f} s after the ban")
    # Its kubelet's lease runs out: the cluster sees it gone, and nobody else is.
    cluster.wait_for("n7 to be NotReady", lambda: "n7" not in cluster.ready_nodes(), 90)
    assert {"m1", "m2", "m3", "n1"} <= cluster.ready_nodes()

    cluster.muster("unban", "n7", "--cluster", "lab")
    cluster.wait_for("n7 to be Ready again", lambda: "n7" in cluster.ready_nodes(), 120)
    cluster.converge("n7")
    cluster.remove_node("n7")
