"""A node from a stock Debian root that carries no release at all downloads them and becomes Ready."""


def test_stock_root_becomes_a_node(cluster):
    cluster.add_node("s1", "10.77.0.31")
    cluster.apply()
    cluster.power_on({"s1": ("node", "10.77.0.31")}, image="stock")
    cluster.wait_converged(["s1"], seconds=180)
    assert "s1" in cluster.ready_nodes()
    stamped = cluster.run("s1", "ls", "/opt/muster/releases/kubernetes-node").stdout.split()
    assert stamped == ["1.36.3"]
    there = set(cluster.run("s1", "ls", "/opt/muster/releases").stdout.split())
    assert not there & {"kubernetes", "kubernetes-control-plane", "etcd"}, "a node downloads what it never runs"
