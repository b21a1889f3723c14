"""A site that has only flat instance metadata: `muster translate` makes the inventory of it, and each machine, which
has the same text from a metadata service or as a file, is served a signed document by the real server."""
import base64
import http.server
import json
import os
import threading

import pytest
from cloud_machine import run
from local_cluster import LocalCluster
from small_releases import import_small_releases

DOMAIN = "b126.example"
ROLES = {"m1": "master", "m2": "masterFollower", "n1": "node"}
WORDS = {"master": "master", "masterFollower": "follower", "node": "node"}
ADDRESSES = {"m1": "10.77.0.11", "m2": "10.77.0.12", "n1": "10.77.0.21"}
PORTS = {"boot": 28080, "enrol": 28443, "node": 28444, "metrics": 29180}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


def flat(name, role=None, **more):
    return {"myRole": role or ROLES[name], "myDomain": f"{name}.{DOMAIN}", "masterAddr": ADDRESSES["m1"], "kubenodesAddr": f"n1.{DOMAIN}",
            "domainsEnv": f"BASE_DOMAIN={DOMAIN} API_SERVER_DOMAIN=api.{DOMAIN} ETCD_DOMAIN=etcd.{DOMAIN}", **more}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    state = str(tmp_path_factory.mktemp("flat"))
    site = LocalCluster(state, cluster="b126", address="127.0.0.1", ports=PORTS)
    site.start_server()
    import_small_releases(site)
    inventory = os.path.join(state, "inventory")
    os.makedirs(inventory)
    documents = []
    for name in ROLES:
        documents.append(os.path.join(state, f"{name}.json"))
        with open(documents[-1], "w", encoding="ascii") as out:
            json.dump(flat(name), out)
    with open(os.path.join(state, "hosts"), "w", encoding="ascii") as out:
        out.writelines(f"{address} {name}\n" for name, address in ADDRESSES.items())
    made = site.muster("translate", *documents, "--hosts", os.path.join(state, "hosts"), "--kubernetes-version", "1.36.3").stdout
    with open(os.path.join(inventory, "b126.yaml"), "w", encoding="ascii") as out:
        out.write(made)
    site.muster("apply", inventory)
    yield site
    site.stop_server()


def told(site, name, role=None):
    token = json.loads(site.muster("token", "create", "--cluster", "b126", "--node", name, "--role", WORDS[ROLES[name]], "-o", "json").stdout)["token"]
    settings = {"sitePin": site.site_pin(), "enrolServers": [f"https://127.0.0.1:{PORTS['enrol']}"], "token": token}
    return json.dumps(flat(name, role, muster=settings))


class Seed:
    """A NoCloud seed on loopback."""

    def __init__(self, text):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802: http.server's name
                self.send_response(200)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.argument = f"ds=nocloud;s=http://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def served(folder):
    """(node, role) of the signed document that the agent verified and keeps."""
    with open(os.path.join(folder, "muster/cache/document.json"), encoding="ascii") as stream:
        document = json.loads(base64.b64decode(json.load(stream)["payload"]))
    return document["role"]["node"], document["role"]["role"]


# `plan` goes as far as the document here: for the rest it wants systemd.
@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("way", [pytest.param("service", marks=pytest.mark.waits), "file"])
def test_the_machine_is_served_what_its_metadata_says(site, tmp_path, name, way):
    agent, text, expected = site.program("muster-agent"), told(site, name), (name, WORDS[ROLES[name]])
    if way == "file":
        site.muster("node", "replace", name, "--cluster", "b126")
        run(agent, "plan", name=name, state=str(tmp_path), files={"/etc/muster/metadata.json": text})
        assert served(tmp_path) == expected
        return
    seed = Seed(text)
    machine = {"name": name, "state": str(tmp_path), "command_line": seed.argument}
    run(agent, "plan", **machine)
    assert served(tmp_path) == expected
    # What was told once is remembered: the machine comes back without the service.
    seed.stop()
    os.remove(tmp_path / "muster/cache/document.json")
    again = run(agent, "plan", **machine)
    assert served(tmp_path) == expected
    assert "NoCloud" not in again["err"] and "enrol" not in again["err"]


@pytest.mark.waits
def test_a_machine_that_was_told_another_role_is_not_set_up(site, tmp_path):
    site.muster("node", "replace", "n1", "--cluster", "b126")
    done = run(site.program("muster-agent"), "converge", name="n1", state=str(tmp_path),
               files={"/etc/muster/metadata.json": told(site, "n1", "master")})
    assert done["rc"] == 1
    assert "failed: metadata: expected n1 as node, as the signed document says, found n1 as master; correct myDomain and myRole, or the inventory" in done["err"]
    assert served(tmp_path) == ("n1", "node")
