"""A converge with nothing changed writes nothing outside the agent's state folder and restarts nothing."""

def test_traced(cluster):
    before = cluster.run("n1", "systemctl", "show", "-p", "MainPID", "kubelet.service", "containerd.service").stdout
    cluster.run("n1", "sh", "-c", "touch /tmp/mark; sleep 0.05")
    cluster.converge("n1")
    changed = cluster.run("n1", "find", "/etc", "/usr", "/opt", "-newer", "/tmp/mark", "-type", "f").stdout.split()
    assert changed == []
    assert cluster.run("n1", "systemctl", "show", "-p", "MainPID", "kubelet.service", "containerd.service").stdout == before
