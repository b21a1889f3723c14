"""Three masters and a node, powered on at once: all Ready, pods reach each other, logs and exec verify."""
import json
import os

MACHINES = {"m1", "m2", "m3", "n1"}
ECHO = os.path.join(os.path.dirname(__file__), "../../../../scripts/echo.yaml")


def test_every_machine_is_ready(cluster):
    assert cluster.ready_nodes() == MACHINES


def test_roles_are_labelled_as_the_inventory_says(cluster):
    def masters():
        nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json").stdout)["items"]
        return {n["metadata"]["name"] for n in nodes if "node-role.kubernetes.io/control-plane" in n["metadata"]["labels"]}
    # A node that registered after the duties' turn is labelled at the next one.
    cluster.wait_for("the masters' role labels", lambda: masters() == {"m1", "m2", "m3"}, 120)


def test_etcd_has_three_voting_members(cluster):
    out = cluster.run("m1", "/opt/muster/current/etcd/bin/etcdctl", "--endpoints=https://127.0.0.1:2379",
                      "--cacert=/etc/kubernetes/pki/etcd-client/ca.crt", "--cert=/etc/kubernetes/pki/etcd-client/tls.crt",
                      "--key=/etc/kubernetes/pki/etcd-client/tls.key", "member", "list", "-w", "json").stdout
    members = json.loads(out)["members"]
    assert sorted(m["name"] for m in members) == ["m1", "m2", "m3"]
    assert not any(m.get("isLearner") for m in members)


def test_pods_reach_each_other_by_address_and_by_service_name(cluster):
    cluster.kubectl("apply", "-f", ECHO)
    cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=90s")
    pods = json.loads(cluster.kubectl("get", "pods", "-l", "app=echo", "-o", "json").stdout)["items"]
    first, second = pods
    assert first["spec"]["nodeName"] != second["spec"]["nodeName"]
    by_address = cluster.kubectl("exec", first["metadata"]["name"], "--", "/echo", "get", f"http://{second['status']['podIP']}:8080/")
    assert by_address.stdout.strip() == second["metadata"]["name"]
    assert cluster.ask_service(first["metadata"]["name"], "http://echo.default.svc.cluster.local:8080/") in {p["metadata"]["name"] for p in pods}
    assert "asked for /" in cluster.kubectl("logs", second["metadata"]["name"]).stdout


def test_the_timeline_reaches_node_ready(cluster):
    timeline = cluster.muster("node", "timeline", "m1", "--cluster", "lab").stdout
    assert "node-ready" in timeline


def test_no_ca_key_is_on_any_machine(cluster):
    authorities = set()
    for name in ("ca-cluster", "ca-etcd", "ca-front-proxy"):
        authorities.add(cluster.run("m1", "openssl", "x509", "-in", f"/etc/kubernetes/pki/{name}.crt", "-noout", "-pubkey").stdout)
    assert len(authorities) == 3
    # Every private key of the machine, each as "PATH PUBLIC-KEY" in one line.
    every_key = ("for key in $(grep -rlE '^-----BEGIN .*PRIVATE KEY' /etc /var/lib/muster 2>/dev/null); do "
                 "echo \"$key $(openssl pkey -in $key -pubout | tr '\\n' '|')\"; done")
    for host in sorted(MACHINES):
        keys = dict(line.split(" ", 1) for line in cluster.run(host, "sh", "-c", every_key).stdout.splitlines())
        assert len(keys) >= 4, f"{host}: expected its identity and three certificates, found {sorted(keys)}"
        assert all(public.startswith("-----BEGIN PUBLIC KEY-----|") for public in keys.values())
        for key, public in keys.items():
            assert public.replace("|", "\n") not in authorities, f"{host}:{key} is a CA's key"


def test_what_an_image_carries_is_neither_fetched_nor_hashed(cluster):
    for name in sorted(MACHINES):
        journal = cluster.journal(name)
        assert "fetch" in journal and "install release" not in journal, name
