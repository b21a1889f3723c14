"""Labels and taints follow the inventory on a running machine: set, changed, removed; kubelet is not touched."""
import json

N1 = "spec: {cluster: lab, role: node, address: 10.77.0.21,"
MASTERS = ("m1", "m2", "m3")


def node(cluster):
    return json.loads(cluster.kubectl("get", "node", "n1", "-o", "json").stdout)


def labels(cluster):
    return {key: value for key, value in node(cluster)["metadata"]["labels"].items() if key.startswith("example.com/")}


def taints(cluster):
    return {(t["key"], t.get("value", ""), t["effect"]) for t in node(cluster)["spec"].get("taints", [])}


def kubelet_pid(cluster):
    return cluster.run("n1", "systemctl", "show", "-P", "MainPID", "kubelet.service").stdout


def expect(cluster, wanted_labels, wanted_taints):
    # The duties' next turn is up to a minute away; an agent that starts takes one at once.
    cluster.on_each(MASTERS, lambda host: cluster.run(host, "systemctl", "restart", "muster-agent.service"))
    cluster.wait_for(f"the labels {wanted_labels} and the taints {wanted_taints}",
                     lambda: (labels(cluster), taints(cluster)) == (wanted_labels, wanted_taints), 90)
    assert "pending" not in cluster.converge("n1").stderr


def test_they_follow_the_inventory(cluster):
    pid = kubelet_pid(cluster)
    own = ("own.example.org/by-hand", "", "NoSchedule")
    with cluster.changed_inventory(N1, N1 + """ labels: {example.com/rack: r7, example.com/row: a},
  taints: [{key: example.com/dedicated, value: gpu, effect: NoSchedule}],"""):
        expect(cluster, {"example.com/rack": "r7", "example.com/row": "a"}, {("example.com/dedicated", "gpu", "NoSchedule")})
        # What somebody else put there is none of Muster's business.
        cluster.kubectl("taint", "node", "n1", "own.example.org/by-hand:NoSchedule")
        cluster.kubectl("label", "node", "n1", "own.example.org/word=kept")
    with cluster.changed_inventory(N1, N1 + """ labels: {example.com/rack: r8},
  taints: [{key: example.com/dedicated, value: cpu, effect: PreferNoSchedule}],"""):
        cluster.kubectl("label", "node", "n1", "example.com/rack=by-hand", "--overwrite")
        expect(cluster, {"example.com/rack": "r8"}, {own, ("example.com/dedicated", "cpu", "PreferNoSchedule")})
    expect(cluster, {}, {own})
    assert node(cluster)["metadata"]["labels"]["own.example.org/word"] == "kept"
    cluster.kubectl("taint", "node", "n1", "own.example.org/by-hand-")
    cluster.kubectl("label", "node", "n1", "own.example.org/word-")
    assert kubelet_pid(cluster) == pid
