"""A kubelet setting changed on running machines is pending everywhere and applied on the one that reboots, or is given its turn."""
import json

from local_cluster import LAB, call

MACHINES = ("m1", "m2", "m3", "n1")
PENDING = "kubelet.service: restart: /etc/kubernetes/kubelet.yaml content differs"


def capacity(cluster, node):
    return json.loads(cluster.kubectl("get", "node", node, "-o", "json").stdout)["status"]["capacity"]["pods"]


def kubelet_pid(cluster, host):
    return cluster.run(host, "systemctl", "show", "-P", "MainPID", "kubelet.service").stdout.strip()


def settings(cluster, host):
    """Every line of what the components are started with, with its file."""
    out = cluster.run(host, "grep", "-rH", "", "/etc/kubernetes", "/etc/containerd", "/etc/muster", "/etc/cni", "--include=*.yaml",
                      "--include=*.conf", "--include=*.toml", "--include=*.env", "--include=*.kubeconfig", "--include=*.conflist").stdout
    return set(out.splitlines())


def kubelet_maximum(cluster):
    return cluster.run("n1", "grep", "^maxPods:", "/etc/kubernetes/kubelet.yaml").stdout.strip()


def test_pending_everywhere_then_applied_by_one_reboot(cluster):
    running = cluster.on_each(MACHINES, lambda host: kubelet_pid(cluster, host))
    before = settings(cluster, "n1")
    with cluster.changed_inventory("reservedPolicy: none", "maxPods: 77\n    reservedPolicy: none"):
        cluster.on_each(MACHINES, cluster.converge)
        for host in MACHINES:
            report = cluster.report(host)
            assert (report["verdict"], report["pending"]) == ("pending-changes", [PENDING]), host
        assert cluster.on_each(MACHINES, lambda host: kubelet_pid(cluster, host)) == running
        assert settings(cluster, "n1") == before

        call(LAB, "power", "cycle", "n1")
        boot = cluster.boot_id("n1")
        cluster.wait_for("n1's report of its new boot", lambda: cluster.report("n1")["bootId"] == boot
                         and cluster.report("n1")["verdict"] == "converged", 60)
        assert capacity(cluster, "n1") == "77"
        kubelet = "/etc/kubernetes/kubelet.yaml:"
        assert settings(cluster, "n1") ^ before == {kubelet + "maxPods: 77", kubelet + "maxPods: 110"}
        starts = cluster.run("n1", "journalctl", "-b", "--no-pager", "-o", "cat", "-u", "kubelet.service", "--grep", "^Started kubelet").stdout
        assert len(starts.splitlines()) == 1, starts
        assert capacity(cluster, "m1") == "110"
    # The way back: nothing was changed on the three, and the fourth is given its turn by the operator, of which its
    # agent hears when it next asks.
    cluster.on_each(("m1", "m2", "m3"), cluster.converge)
    cluster.muster("node", "converge", "n1", "--cluster", "lab")
    cluster.wait_for("n1's turn", lambda: kubelet_maximum(cluster) == "maxPods: 110"
                     and cluster.report("n1")["verdict"] == "converged", 90)
    for host in MACHINES:
        assert cluster.report(host)["verdict"] == "converged", host
    # kubelet, started anew, tells its capacity with its next status.
    cluster.wait_for("n1's capacity as before", lambda: capacity(cluster, "n1") == "110", 30)
    assert cluster.on_each(("m1", "m2", "m3"), lambda host: kubelet_pid(cluster, host)) == {host: running[host] for host in ("m1", "m2", "m3")}
