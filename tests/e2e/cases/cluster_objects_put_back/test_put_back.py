"""What of the cluster somebody deleted is there again after one poll, by itself; what the inventory dropped is pruned, but no
Namespace without consent."""
import json
import re
import time

import pytest

pytestmark = pytest.mark.long

MASTERS = ("m1", "m2", "m3")
ONE_POLL = 72 + 10  # seconds: a minute with jitter, and ten
ADDON = """  addons:
  - name: extra
    manifest: |
      apiVersion: v1
      kind: Namespace
      metadata: {name: kept}
      ---
      apiVersion: v1
      kind: Namespace
      metadata: {name: given, annotations: {muster.dev/prune: "true"}}
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: extra, namespace: kept}
      data: {word: applied}
      ---
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: walks.example.com}
      spec:
        group: example.com
        names: {kind: Walk, plural: walks}
        scope: Namespaced
        versions:
        - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - name: walk
    manifest: |
      apiVersion: example.com/v1
      kind: Walk
      metadata: {name: one, namespace: given}
  podCidr:"""


def there(cluster, *names):
    return cluster.kubectl("get", *names, "--ignore-not-found", "-o", "name", check=False).stdout.strip() != ""


def uid(cluster, *names):
    return cluster.kubectl("get", *names, "-o", "jsonpath={.metadata.uid}", "--ignore-not-found", check=False).stdout


def delete(cluster, *names):
    was = uid(cluster, *names)
    cluster.kubectl("delete", *names, "--wait=true")
    return was


def wait_back(cluster, what, condition, seconds=ONE_POLL):
    began = time.monotonic()
    cluster.wait_for(f"{what} to be back", condition, seconds)
    print(f"{what}: back after {time.monotonic() - began:.0f} s")


def kubelet_starts(cluster, host):
    """Of this boot, by systemd."""
    return cluster.run(host, "systemctl", "show", "-P", "InvocationID", "kubelet.service").stdout


def delete_node(cluster, name):
    """Whose kubelet has run for as long as it may need to register."""
    def has_run():
        began = int(cluster.run(name, "systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", "kubelet.service").stdout)
        return time.clock_gettime(time.CLOCK_MONOTONIC) - began / 1e6 > 31
    cluster.wait_for(f"kubelet of {name} to be half a minute old", has_run, 40)
    return delete(cluster, "node", name)


def other_pids(cluster, host):
    units = ("containerd", "kube-proxy", "kube-api-balancer")
    return [cluster.run(host, "systemctl", "show", "-P", "MainPID", f"{unit}.service").stdout for unit in units]


def holder(cluster):
    lease = json.loads(cluster.kubectl("get", "lease", "-n", "kube-system", "muster-duties", "-o", "json").stdout)
    return lease["spec"]["holderIdentity"]


def duties_lines(cluster):
    lines = []
    for master in MASTERS:
        lines += [line for line in cluster.journal(master).splitlines() if "duties" in line]
    return "\n".join(lines)


def test_addons_and_bindings(cluster):
    coredns = ("deployment", "-n", "kube-system", "coredns")
    binding = ("clusterrolebinding", "muster:kubelet-api")
    was = delete(cluster, *coredns)
    delete(cluster, *binding)
    wait_back(cluster, "CoreDNS", lambda: uid(cluster, *coredns) not in ("", was))
    wait_back(cluster, "muster:kubelet-api", lambda: there(cluster, *binding))
    cluster.kubectl("rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=60s")

    cluster.kubectl("scale", *coredns[:3], "coredns", "--replicas=0")
    wait_back(cluster, "CoreDNS' replicas", lambda: cluster.kubectl("get", *coredns, "-o", "jsonpath={.spec.replicas}").stdout == "2")

    # The right to do all of this is one of them.
    delete(cluster, "clusterrolebinding", "muster:duties")
    wait_back(cluster, "muster:duties", lambda: there(cluster, "clusterrolebinding", "muster:duties"))

    # Nothing is applied any more.
    version = cluster.kubectl("get", *coredns, "-o", "jsonpath={.metadata.generation}").stdout
    cluster.on_each(MASTERS, lambda host: cluster.run(host, "systemctl", "restart", "muster-agent.service"))
    cluster.wait_converged(MASTERS)
    assert cluster.kubectl("get", *coredns, "-o", "jsonpath={.metadata.generation}").stdout == version


def test_a_node_deleted_twice(cluster):
    with_label = "spec: {cluster: lab, role: node, address: 10.77.0.21,"
    with cluster.changed_inventory(with_label, with_label + " labels: {example.com/rack: r1},"):
        cluster.wait_for("n1's label", lambda: there(cluster, "node", "-l", "example.com/rack=r1"), ONE_POLL)
        others = other_pids(cluster, "n1")
        for turn in ("n1", "n1, deleted again"):
            kubelet = kubelet_starts(cluster, "n1")
            was = delete_node(cluster, "n1")
            wait_back(cluster, turn, lambda: uid(cluster, "node", "n1") not in ("", was) and "n1" in cluster.ready_nodes())
            assert kubelet_starts(cluster, "n1") != kubelet
            wait_back(cluster, f"{turn}: its label and its role", lambda: there(
                cluster, "node", "-l", "example.com/rack=r1,node-role.kubernetes.io/node"))
        assert other_pids(cluster, "n1") == others
        assert "node 'n1' is not in the cluster: kubelet is restarted" in cluster.journal("n1")
    cluster.run_pod("n1", "after-deletion")
    cluster.kubectl("delete", "pod", "after-deletion", "--grace-period=1")


def test_a_master_s_own_node(cluster):
    master = holder(cluster)
    was = delete_node(cluster, master)
    wait_back(cluster, f"{master}, which does the duties", lambda: uid(cluster, "node", master) not in ("", was) and master in cluster.ready_nodes())
    wait_back(cluster, f"{master}'s role", lambda: f"node/{master}" in cluster.kubectl(
        "get", "nodes", "-l", "node-role.kubernetes.io/control-plane", "-o", "name").stdout.split())


def test_what_the_inventory_dropped(cluster):
    extra = ("configmap", "-n", "kept", "extra")
    with cluster.changed_inventory("  podCidr:", ADDON):
        wait_back(cluster, "the addon, which is new", lambda: there(cluster, "walk", "-n", "given", "one"), 2 * ONE_POLL)
        cluster.kubectl("patch", *extra, "--type=merge", "--patch", '{"data": {"word": "changed"}}')
        wait_back(cluster, "a word", lambda: cluster.kubectl("get", *extra, "-o", "jsonpath={.data.word}").stdout == "applied")
        # A copy by hand bears Muster's label, and is somebody's own.
        copy = json.loads(cluster.kubectl("get", *extra, "-o", "json").stdout)
        copy["metadata"] = {"name": "copied", "namespace": "kept", "labels": copy["metadata"]["labels"]}
        cluster.kubectl("create", "-f", "-", text_input=json.dumps(copy))
    began = time.monotonic()
    cluster.wait_for("what the inventory dropped to go", lambda: not there(cluster, *extra) and not there(cluster, "namespace", "given"), 2 * ONE_POLL)
    print(f"pruned after {time.monotonic() - began:.0f} s")
    assert there(cluster, "namespace", "kept") and there(cluster, "crd", "walks.example.com")
    assert there(cluster, "configmap", "-n", "kept", "copied")
    assert there(cluster, "deployment", "-n", "kube-system", "coredns")
    assert re.search(r"duties: addon 'extra': Namespace given pruned", duties_lines(cluster)), duties_lines(cluster)
    cluster.kubectl("delete", "namespace", "kept")
    cluster.kubectl("delete", "crd", "walks.example.com")
    cluster.wait_converged(MASTERS)
