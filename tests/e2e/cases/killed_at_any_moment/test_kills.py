"""The agent and the server are killed at many moments; what comes after goes on from there."""
import json
import os
import signal
import subprocess
import time

from local_cluster import LAB, call

NAME, ADDRESS = "n5", "10.77.0.25"


def host_without_a_service(cluster):
    """A machine whose agent runs only when it is called."""
    tree = cluster.machine_tree(NAME, cluster.token("node"))
    os.unlink(os.path.join(tree, "etc/systemd/system/multi-user.target.wants/muster.target"))
    call(LAB, "up", NAME, "--address", ADDRESS, "--image", "ready", "--tree", tree)


def test_a_first_converge_killed_again_and_again(cluster):
    cluster.add_node(NAME, ADDRESS)
    cluster.apply()
    host_without_a_service(cluster)
    killed, delay = 0, 0.02
    for _ in range(60):
        # Later each time: from the first instruction to the last.
        done = cluster.run(NAME, "timeout", "-s", "KILL", f"{delay:.2f}", "muster-agent", "converge", check=False, timeout=120)
        if done.returncode == 0:
            break
        assert done.returncode == 137, done.stderr
        killed += 1
        delay *= 1.25
    assert killed >= 8, killed
    cluster.converge(NAME)
    assert NAME in cluster.ready_nodes()
    # Nothing is left to do, and no half-written file is left behind.
    assert "nothing to do" in cluster.run(NAME, "muster-agent", "plan").stdout
    left = cluster.run(NAME, "find", "/etc", "/opt/muster", "/var/lib/muster", "-name", "*.muster-new*").stdout
    assert left == "", left


def test_the_server_killed_while_it_publishes(cluster):
    def numbers():
        out = cluster.muster("revision", "list", "--cluster", "lab", "-o", "json").stdout
        return [row["number"] for row in json.loads(out)["revisions"]]
    before = numbers()
    path = os.path.join(cluster.inventory, "cluster.yaml")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    published = 0
    for attempt in range(12):
        with open(path, "w", encoding="utf-8") as out:
            out.write(text.replace("reservedPolicy: none", f"maxPods: {100 + attempt}\n    reservedPolicy: none"))
        apply = subprocess.Popen([cluster.program("muster"), "--server", f"unix:{cluster.socket}", "apply", cluster.inventory],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.01 * attempt)
        cluster.stop_server(signal.SIGKILL)
        published += apply.wait(30) == 0
        cluster.start_server()
        # Each revision is whole or not there, none that was answered is lost, and no number is given twice.
        now = numbers()
        assert len(set(now)) == len(now) and now[-len(before):] == before
        assert len(now) - len(before) >= published
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    cluster.apply()
    cluster.converge("n1")
    assert "n1" in cluster.ready_nodes()
