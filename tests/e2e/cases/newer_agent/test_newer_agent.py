"""A machine with the agent of 0.2.0 beside a server of today, then given today's agent where it runs."""
import json
import os
import shutil

import pytest

from local_cluster import LAB, call
from older_site import FIXTURES, OlderSite

NAME, ADDRESS = "n7", "10.77.0.27"
UNITS = ("containerd", "kubelet", "kube-proxy")


def invocations(cluster):
    """What changes when a unit is started anew."""
    return [cluster.run(NAME, "systemctl", "show", "-p", "InvocationID,NRestarts", unit).stdout for unit in UNITS]


@pytest.mark.long
def test_an_agent_of_0_2_0_converges_and_is_replaced_in_place(cluster, tmp_path):
    kept = OlderSite.of("0.2.0", tmp_path)
    cluster.add_node(NAME, ADDRESS)
    cluster.apply()
    tree = cluster.machine_tree(NAME, cluster.token("node"))
    shutil.copy2(os.path.join(kept.state, "muster-agent"), os.path.join(tree, "usr/bin/muster-agent"))
    # Units come with their agent: today's asks the agent for what 0.2.0 had not.
    shutil.copy2(os.path.join(FIXTURES, "0.2.0", "muster-routes.service"), os.path.join(tree, "etc/systemd/system"))
    call(LAB, "up", NAME, "--address", ADDRESS, "--image", "ready", "--tree", tree)
    cluster.wait_converged([NAME], seconds=120)
    assert cluster.report(NAME)["agentVersion"] == "0.2.0"
    assert NAME in cluster.ready_nodes()
    before = invocations(cluster)

    today = call(cluster.program("muster-agent"), "--version").stdout.strip()
    cluster.put_file(NAME, cluster.program("muster-agent"), "/usr/bin/muster-agent.new")
    cluster.run(NAME, "chmod", "0755", "/usr/bin/muster-agent.new")
    cluster.run(NAME, "mv", "/usr/bin/muster-agent.new", "/usr/bin/muster-agent")
    cluster.run(NAME, "systemctl", "restart", "muster-agent")
    cluster.wait_for("today's agent to report", lambda: cluster.report(NAME)["agentVersion"] == today, 60)
    # What it sets differently waits, and is told, as units/README.md says.
    cluster.wait_for("what waits to be told", lambda: cluster.report(NAME)["verdict"] == "pending-changes", 60)
    assert cluster.report(NAME)["pending"] == ["kubelet.service: restart: /etc/kubernetes/kubelet.yaml content differs"]
    assert invocations(cluster) == before
    cluster.muster("node", "converge", NAME, "--cluster", "lab")
    cluster.wait_for("its turn", lambda: cluster.report(NAME)["verdict"] == "converged", 120)
    after = invocations(cluster)
    assert [unit for unit, was, is_now in zip(UNITS, before, after) if was != is_now] == ["kubelet"]
    assert "nothing to do" in cluster.run(NAME, "muster-agent", "plan").stdout
    assert json.loads(cluster.muster("node", "show", NAME, "-o", "json").stdout)["agentTooOld"] == ""
    cluster.remove_node(NAME)
