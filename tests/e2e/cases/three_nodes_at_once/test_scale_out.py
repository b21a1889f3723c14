"""Three nodes switched on at once join a running cluster; a follower's etcd joins as a learner is another case."""

NODES = {"n2": ("node", "10.77.0.22"), "n3": ("node", "10.77.0.23"), "n4": ("node", "10.77.0.24")}


def test_three_nodes_join(cluster):
    for name, (_, address) in NODES.items():
        cluster.add_node(name, address)
    cluster.apply()
    cluster.power_on(NODES)
    cluster.wait_converged(NODES, seconds=120)
    assert set(NODES) <= cluster.ready_nodes()
