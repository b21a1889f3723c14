"""The power goes everywhere at once and comes back: the same cluster, with its data, Ready again."""
import json
import time

from local_cluster import LAB, call

MACHINES = ("m1", "m2", "m3", "n1")


def members(cluster):
    out = cluster.run("m1", "/opt/muster/current/etcd/bin/etcdctl", "--endpoints=https://127.0.0.1:2379",
                      "--cacert=/etc/kubernetes/pki/etcd-client/ca.crt", "--cert=/etc/kubernetes/pki/etcd-client/tls.crt",
                      "--key=/etc/kubernetes/pki/etcd-client/tls.key", "member", "list", "-w", "json").stdout
    return {member["name"]: member["ID"] for member in json.loads(out)["members"]}


def test_the_same_cluster_comes_back(cluster):
    before = members(cluster)
    cluster.kubectl("create", "configmap", "before-the-cut", "--from-literal=word=kept")
    boots = cluster.on_each(MACHINES, cluster.boot_id)
    cluster.on_each(MACHINES, lambda host: call(LAB, "power", "cut", host))
    began = time.monotonic()
    cluster.on_each(MACHINES, lambda host: call(LAB, "power", "on", host))
    now = cluster.on_each(MACHINES, cluster.boot_id)
    assert all(now[host] != boots[host] for host in MACHINES)

    def is_back(host):
        report = cluster.report(host)
        assert report["verdict"] != "failed", f"{host}: {report['message']}"
        return report["bootId"] == now[host] and report["verdict"] == "converged"
    cluster.wait_for("every machine's report of its new boot", lambda: all(is_back(host) for host in MACHINES), 120)
    print(f"all four converged {time.monotonic() - began:.1f} s after power-on")
    assert set(MACHINES) <= cluster.ready_nodes()
    assert members(cluster) == before
    kept = cluster.kubectl("get", "configmap", "before-the-cut", "-o", "jsonpath={.data.word}").stdout
    assert kept == "kept"
    cluster.kubectl("delete", "configmap", "before-the-cut")
    cluster.wait_duties()
