"""What goes on beside every long disturbance: certificates that live for minutes, and a kubelet that flaps on another node."""
import pytest

from flapping import FlappingKubelet
from short_lives import restart_server, serials

MACHINES = ("m1", "m2", "m3", "n1", "c1")


@pytest.fixture(scope="module")
def first_serials(cluster):
    """Every certificate lives twelve minutes, and the identity of c1, a node of this case alone, four: renewed at half of it."""
    restart_server(cluster, identityLifetimeMinutes=4)
    cluster.add_node("c1", "10.77.0.41")
    with cluster.changed_inventory("podNetwork: routed", "podNetwork: routed\n  certificates: {lifetime: 12m}"):
        cluster.power_on({"c1": ("node", "10.77.0.41")})
        cluster.wait_converged(["c1"], seconds=120)
        cluster.on_each(MACHINES, cluster.converge)
        yield cluster.on_each(MACHINES, lambda host: serials(cluster, host))
    restart_server(cluster)
    cluster.remove_node("c1")
    cluster.on_each(MACHINES[:4], cluster.converge)


@pytest.fixture(scope="module")
def flapping(cluster, first_serials):
    with FlappingKubelet(cluster, "c1") as kubelet:
        yield kubelet
