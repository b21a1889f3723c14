"""`muster-agent reset` stops what Muster started and removes what it wrote."""
import pytest

pytestmark = pytest.mark.long


def test_reset(cluster):
    cluster.add_node("n9", "10.77.0.29")
    cluster.apply()
    cluster.power_on({"n9": ("node", "10.77.0.29")})
    cluster.wait_converged(["n9"], seconds=120)
    cluster.run("n9", "muster-agent", "reset", "--yes", timeout=120)
    running = cluster.run("n9", "systemctl", "list-units", "--state=active", "--plain", "--no-legend", "kubelet.service", "containerd.service",
                          "kube-proxy.service", "kube-api-balancer.service").stdout
    assert running.strip() == ""
    left = cluster.run("n9", "sh", "-c", "ls -d /etc/kubernetes /var/lib/kubelet/pods /etc/containerd/config.toml /var/lib/muster/identity 2>/dev/null || true").stdout
    assert left.strip() == ""
    mounts = cluster.run("n9", "sh", "-c", "grep -cE 'kubelet|containerd' /proc/mounts || true").stdout
    assert mounts.strip() == "0"
