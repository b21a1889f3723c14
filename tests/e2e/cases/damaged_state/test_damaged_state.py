"""The agent's own state is damaged or gone, its disk is full, a Node is deleted: the machine runs on, nothing is restarted that
need not be, and the server hears of it."""
import pytest

from well_again import ONE_POLL, count_starts, subjects

pytestmark = pytest.mark.long

UNITS = {"n1": ["containerd.service", "kubelet.service", "kube-proxy.service"],
         "m2": ["containerd.service", "kubelet.service", "etcd.service", "kube-apiserver.service", "kube-scheduler.service"]}
STATE = "/var/lib/muster"


def starts(cluster, host):
    return {unit: count_starts(cluster, host, unit) for unit in UNITS[host]}


@pytest.mark.parametrize("host", ["n1", "m2"])
@pytest.mark.parametrize("damage", ["rm -f {0}/checkpoint.json", "truncate -s 100 {0}/checkpoint.json", "rm -rf {0}/cache {0}/checkpoint.json",
                                    "rm -rf {0}/settled; touch {0}/settled; rm -f {0}/cache/document.json; mkdir {0}/cache/document.json",
                                    "rm -f {0}/identity"])
def test_the_machine_runs_on(cluster, host, damage):
    cluster.wait_converged([host])
    before = starts(cluster, host)
    counter = cluster.report(host)["counter"]
    cluster.run(host, "sh", "-ec", "systemctl stop muster-agent; " + damage.format(STATE) + "; systemctl start muster-agent")
    cluster.wait_for(f"{host} to say that it is converged", lambda: cluster.report(host)["counter"] != counter
                     and cluster.report(host)["verdict"] == "converged" and cluster.report(host)["configuration"] == "settled", ONE_POLL)
    assert any(subject.startswith("state ") for subject in subjects(cluster, host)), cluster.report(host)
    cluster.converge(host)
    assert starts(cluster, host) == before
    assert not cluster.report(host).get("pending")


def test_an_agent_that_starts_on_a_full_disk_says_so(cluster):
    cluster.run("n1", "sh", "-ec", "systemctl stop muster-agent; cp -a /var/lib/muster /var/lib/muster.kept; "
                "mount -t tmpfs -o size=2m,mode=0700 tmpfs /var/lib/muster; cp -a /var/lib/muster.kept/. /var/lib/muster/; "
                "cat /dev/zero > /var/lib/muster/filler || true; systemctl start muster-agent")
    try:
        cluster.wait_for("n1 to tell of its disk", lambda: "disk" in subjects(cluster, "n1"), 2 * ONE_POLL)
        assert cluster.report("n1")["configuration"] == "settled"
    finally:
        cluster.run("n1", "sh", "-c", "systemctl stop muster-agent; umount /var/lib/muster; rm -rf /var/lib/muster.kept; systemctl start muster-agent")
    cluster.wait_for("n1's disk to be well", lambda: "disk" not in subjects(cluster, "n1"), 2 * ONE_POLL)


def test_a_cordoned_node_that_is_deleted_comes_back_cordoned(cluster):
    cluster.kubectl("cordon", "n1")
    cluster.kubectl("taint", "nodes", "n1", "maintenance=disk:NoSchedule")
    try:
        cluster.converge("n1")
        cluster.kubectl("delete", "node", "n1")

        def is_cordoned():
            return cluster.kubectl("get", "node", "n1", "-o", "jsonpath={.spec.unschedulable}", check=False).stdout == "true"
        cluster.converge("n1", check=False)
        cluster.wait_for("n1 to be cordoned again", is_cordoned, ONE_POLL)
        told = [problem["message"] for problem in cluster.report("n1").get("unwell", []) if problem["subject"] == "node"]
        assert told and told[0].endswith("kubectl taint nodes n1 maintenance=disk:NoSchedule"), told
    finally:
        cluster.kubectl("uncordon", "n1")
        cluster.kubectl("taint", "nodes", "n1", "maintenance=disk:NoSchedule", "--overwrite", check=False)
        cluster.converge("n1", check=False)
        cluster.kubectl("taint", "nodes", "n1", "maintenance-", check=False)
    cluster.wait_converged(["n1"])


def test_a_suspended_run_holds_up_no_report(cluster):
    cluster.run("n1", "flock", "/var/lib/muster", "true")  # between two looks
    cluster.run("n1", "systemd-run", "--quiet", "--unit=suspended", "muster-agent", "converge", "--verify")
    cluster.run("n1", "systemctl", "kill", "--signal=STOP", "suspended.service")
    try:
        cluster.wait_for("n1 to tell who holds its lock", lambda: "agent" in subjects(cluster, "n1"), 2 * ONE_POLL)
        status = cluster.run("n1", "systemctl", "show", "-P", "StatusText", "muster-agent.service").stdout
        assert "is suspended; let it go on: kill -CONT" in status, status
    finally:
        cluster.run("n1", "systemctl", "kill", "--signal=CONT", "suspended.service")
    cluster.wait_for("n1 to go on", lambda: "agent" not in subjects(cluster, "n1"), 2 * ONE_POLL)
