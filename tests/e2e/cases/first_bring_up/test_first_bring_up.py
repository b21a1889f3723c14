"""Three masters and a node, powered on at once: all Ready, pods reach each other, logs and exec verify."""
import base64
import http.client
import json
import os
import ssl

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


def test_cluster_dns_is_on_two_machines(cluster):
    def machines():
        pods = json.loads(cluster.kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o", "json").stdout)["items"]
        return {pod["spec"].get("nodeName") for pod in pods if not pod["metadata"].get("deletionTimestamp")}
    cluster.wait_for("two machines with CoreDNS", lambda: len(machines() - {None}) == 2, 60)
    budget = json.loads(cluster.kubectl("get", "poddisruptionbudget", "-n", "kube-system", "coredns", "-o", "json").stdout)
    assert budget["status"]["expectedPods"] == 2


def request(cluster, method, path, headers, body=None, identity=None):
    """(status, text) of m1's API server, without kubectl's own questions before it."""
    authority = cluster.run("m1", "cat", "/etc/kubernetes/pki/ca-cluster.crt").stdout
    context = ssl.create_default_context(cadata=authority)
    if identity:
        context.load_cert_chain(*identity)
    connection = http.client.HTTPSConnection("10.77.0.11", 6443, timeout=10, context=context)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = "" if answer.status == 101 else answer.read().decode()
    connection.close()
    return answer.status, text


def websocket(cluster, path, token):
    """101 where it is switched to."""
    return request(cluster, "GET", path, {
        "Authorization": f"Bearer {token}", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(), "Sec-WebSocket-Protocol": "v5.channel.k8s.io"})[0]


def test_whoever_enters_a_pod_is_in_the_audit_log(cluster):
    pod = cluster.kubectl("get", "pods", "-l", "app=echo", "-o", "jsonpath={.items[0].metadata.name}").stdout
    cluster.kubectl("create", "serviceaccount", "visitor")
    cluster.kubectl("create", "role", "visitor", "--verb=get,create", "--resource=pods/exec,pods/portforward")
    cluster.kubectl("create", "rolebinding", "visitor", "--role=visitor", "--serviceaccount=default:visitor")
    token = cluster.kubectl("create", "token", "visitor").stdout.strip()
    base = f"/api/v1/namespaces/default/pods/{pod}"
    entered = {"exec": f"{base}/exec?command=/echo&command=get&command=http://127.0.0.1:8080/&stdout=true", "portforward": f"{base}/portforward?ports=8080",
               "attach": f"{base}/attach?stdout=true", "proxy": f"{base}:8080/proxy/"}
    statuses = {what: websocket(cluster, path, token) for what, path in entered.items()}
    assert statuses["exec"] == 101
    # The others may not be allowed: refused, they are told as well.
    lines = cluster.run("m1", "sh", "-c", "grep system:serviceaccount:default:visitor /var/log/kubernetes/audit.log").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    told = {(event["objectRef"].get("subresource"), event["verb"], event["objectRef"]["name"].partition(":")[0]) for event in events}
    assert told == {(what, "get", pod) for what in entered}, (statuses, told)
    for kind in ("rolebinding", "role", "serviceaccount"):
        cluster.kubectl("delete", kind, "visitor")


def test_a_machine_may_not_change_another_whatever_the_inventory_adds_to_the_admission_plugins(cluster, tmp_path):
    plugins = cluster.run("m1", "sh", "-c", "tr '\\0' '\\n' </proc/$(pidof kube-apiserver)/cmdline | grep enable-admission-plugins").stdout.strip()
    assert plugins == "--enable-admission-plugins=DenyServiceExternalIPs,NodeRestriction"

    identity = []
    for part in ("tls.crt", "tls.key"):
        identity.append(tmp_path / part)
        identity[-1].write_text(cluster.run("n1", "cat", f"/etc/kubernetes/pki/kubelet-client/{part}").stdout)

    def patch(name):
        return request(cluster, "PATCH", f"/api/v1/nodes/{name}", {"Content-Type": "application/merge-patch+json"},
                       '{"metadata":{"labels":{"kubelet.kubernetes.io/x":"y"}}}', identity)
    for other in ("m1", "m2"):
        status, text = patch(other)
        assert status == 403 and f'node "n1" is not allowed to modify node "{other}"' in json.loads(text)["message"], text
    assert patch("n1")[0] == 200
    cluster.kubectl("label", "node", "n1", "kubelet.kubernetes.io/x-")


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
