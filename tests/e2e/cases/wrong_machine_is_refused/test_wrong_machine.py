"""A machine that is not what the inventory says is refused in seconds, with the cure in its verdict."""
import time

import pytest

pytestmark = pytest.mark.long


def refused(cluster, name, expected):
    began = time.monotonic()
    cluster.wait_for(f"{name}'s verdict", lambda: cluster.node_status(name)[0] == "failed", 30)
    _, message = cluster.node_status(name)
    assert expected in message, message
    return time.monotonic() - began


def test_wrong_host_name(cluster):
    cluster.add_node("n8", "10.77.0.28")
    cluster.apply()
    cluster.power_on({"n8": ("node", "10.77.0.28")})
    cluster.wait_converged(["n8"], seconds=120)
    cluster.run("n8", "hostname", "other")
    cluster.converge("n8", check=False)
    refused(cluster, "n8", "host name")
    cluster.run("n8", "hostname", "n8")
    cluster.converge("n8")
    cluster.wait_converged(["n8"], seconds=30)
