"""A site that has only flat instance metadata: from a file and from a metadata service it becomes a cluster of a
master, a follower and a node."""
import http.server
import json
import os
import threading

import pytest
from local_cluster import LAB, SERVER_ADDRESS, call
from on_demand import Kubectl, are_converged

pytestmark = pytest.mark.long

DOMAIN = "b126.example"
# (role as the site calls it, address, where the machine finds its document)
MACHINES = {"fm1": ("master", "10.77.0.160", "file"), "fm2": ("masterFollower", "10.77.0.161", "service"), "fn1": ("node", "10.77.0.162", "service")}
WORDS = {"master": "master", "masterFollower": "follower", "node": "node"}


def flat(name, **more):
    return {"myRole": MACHINES[name][0], "myDomain": f"{name}.{DOMAIN}", "masterAddr": MACHINES["fm1"][1], "kubenodesAddr": f"fn1.{DOMAIN}",
            "domainsEnv": f"BASE_DOMAIN={DOMAIN} API_SERVER_DOMAIN=api.{DOMAIN} ETCD_DOMAIN=etcd.{DOMAIN}", **more}


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out)
    return path


@pytest.fixture(scope="module")
def metadata_service(rack):
    """{name: document}, each at /NAME/user-data."""
    documents = {}
    call(LAB, "network")  # which goes with the last host of the case before

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802: http.server's name
            _, name, leaf = (self.path.split("/") + ["", ""])[:3]
            text = json.dumps(documents[name]).encode() if name in documents and leaf == "user-data" else b""
            self.send_response(200 if text else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    service = http.server.ThreadingHTTPServer((SERVER_ADDRESS, 0), Handler)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield documents, f"http://{SERVER_ADDRESS}:{service.server_address[1]}"
    service.shutdown()
    service.server_close()


@pytest.fixture(scope="module")
def site(rack, tmp_path_factory):
    """The inventory that their documents make, applied."""
    folder = tmp_path_factory.mktemp("flat")
    documents = [write_json(folder / f"{name}.json", flat(name)) for name in MACHINES]
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, (_, address, _) in MACHINES.items()))
    inventory = folder / "inventory"
    inventory.mkdir()
    made = rack.muster("translate", *map(str, documents), "--hosts", str(hosts), "--kubernetes-version", "1.36.3").stdout
    (inventory / "b126.yaml").write_text(made)
    rack.muster("apply", str(inventory))
    yield folder
    call(LAB, "down", *MACHINES)


def settings(rack, name):
    token = json.loads(rack.muster("token", "create", "--cluster", "b126", "--node", name, "--role", WORDS[MACHINES[name][0]], "-o", "json").stdout)["token"]
    return {"sitePin": rack.site_pin(), "enrolServers": [f"https://{rack.address}:{rack.ports['enrol']}"], "token": token}


def test_a_cluster_comes_up_from_flat_metadata(rack, site, metadata_service):
    documents, service = metadata_service
    call(LAB, "image", "ready")
    for name, (_, address, source) in MACHINES.items():
        text = flat(name, muster=settings(rack, name))
        tree = rack.machine_tree(name, "")
        os.remove(os.path.join(tree, "etc/muster/agent.json"))
        # The site's DNS, as far as this cluster needs it: API_SERVER_DOMAIN.
        with open(os.path.join(tree, "etc/hosts"), "w", encoding="ascii") as out:
            out.write(f"127.0.0.1 localhost\n{address} {name}\n{MACHINES['fm1'][1]} api.{DOMAIN}\n")
        arguments = []
        if source == "file":
            os.chmod(write_json(os.path.join(tree, "etc/muster/metadata.json"), text), 0o600)
        else:
            documents[name] = text
            arguments = ["--argument", f"ds=nocloud;s={service}/{name}/"]
        call(LAB, "up", name, "--address", address, "--image", "ready", "--tree", tree, "--no-start", *arguments)
    rack.on_each(MACHINES, lambda name: call(LAB, "power", "on", name))
    rack.wait_for("three machines to be converged", lambda: are_converged(rack, "b126", 3), 180)
    # This machine does not ask the site's DNS.
    kubectl = Kubectl(rack, "b126", str(site), "--server", f"https://{MACHINES['fm1'][1]}:6443")
    rack.wait_for("three Ready nodes", lambda: kubectl.ready_nodes() == set(MACHINES), 60)
    roles = json.loads(kubectl("get", "nodes", "-l", "node-role.kubernetes.io/control-plane", "-o", "json").stdout)["items"]
    assert {node["metadata"]["name"] for node in roles} == {"fm1", "fm2"}
    assert "metadata.json" in rack.run("fm1", "muster-agent", "facts").stdout
    assert service in rack.run("fn1", "muster-agent", "facts").stdout
