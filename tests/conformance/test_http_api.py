"""schemathesis, which makes requests of openapi.json, sound ones and others, against every listener of a real server: whatever the
description promises is so, and what it forbids is refused. It is no judge of what a request does; the other suites are."""
import hashlib
import json
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(REPOSITORY, "scripts"), os.path.join(REPOSITORY, "tests")]

from local_cluster import CACHE, LocalCluster  # noqa: E402
from metadata_machine import Machine, openssl  # noqa: E402
from sanitizers import sanitizer_reports  # noqa: E402
from small_releases import import_small_releases  # noqa: E402
from small_template import set_small_template  # noqa: E402

pytestmark = pytest.mark.long
PINNED = os.path.join(HERE, "schemathesis.txt")
EXAMPLES = "30"  # of an operation, in the phase that makes them up
PORTS = {"boot": 18680, "enrol": 19043, "node": 19044, "metrics": 19780}
INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: lab, role: master, address: 10.77.0.11, match: {mac: ["02:4d:55:00:00:0b"]}}
---
apiVersion: muster/v1
kind: Node
metadata: {name: n1}
spec: {cluster: lab, role: node, address: 10.77.0.21, match: {mac: ["02:4d:55:00:00:15"], serial: S1}}
"""


@pytest.fixture(scope="session")
def schemathesis():
    """The program, in an environment of its own that is made once for each list of pinned packages."""
    with open(PINNED, "rb") as stream:
        folder = os.path.join(CACHE, "schemathesis", hashlib.sha256(stream.read()).hexdigest()[:16])
    program = os.path.join(folder, "bin", "st")
    done = os.path.join(folder, "complete")
    if not os.path.exists(done):
        for command in (["/usr/bin/python3", "-m", "venv", "--clear", folder], [os.path.join(folder, "bin", "pip"), "install", "--quiet", "--requirement", PINNED]):
            made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            if made.returncode:
                words = (made.stderr or made.stdout).strip().splitlines() or ["no word"]
                pytest.skip(f"schemathesis cannot be installed: {' '.join(command[:3])}: {words[-1]}")
        with open(done, "w", encoding="ascii"):
            pass
    return program


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = LocalCluster(str(tmp_path_factory.mktemp("site")), address="127.0.0.1", ports=PORTS)
    site.start_server()
    import_small_releases(site)
    inventory = os.path.join(site.state, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "site.yaml"), "w", encoding="ascii") as out:
        out.write(INVENTORY)
    site.muster("apply", inventory)
    set_small_template(site, "small")
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def somebody(site, name):
    return Machine(os.path.join(site.state, "callers"), name, "127.0.0.1", (PORTS["enrol"], PORTS["node"]))


@pytest.fixture(scope="module")
def operator(site):
    operator = somebody(site, "judge")
    request = os.path.join(operator.folder, "csr.pem")
    openssl("req", "-new", "-key", operator.key, "-subj", "/CN=judge", "-out", request)
    with open(operator.certificate, "w", encoding="ascii") as out:
        out.write(site.muster("operator", "add", "judge", "--csr", request).stdout)
    return operator


@pytest.fixture(scope="module")
def machine(site):
    machine = somebody(site, "n1")
    assert machine.enrol(site.token("node"), "02:4d:55:00:00:15")[0] == 200
    return machine


def description(folder, listener, is_chosen):
    """openapi.json with what one listener has and one caller may call."""
    with open(os.path.join(REPOSITORY, "metadata-server", "http", "openapi.json"), encoding="utf-8") as stream:
        document = json.load(stream)
    paths = {}
    for path, item in document["paths"].items():
        chosen = {method: one for method, one in item.items() if listener in one["x-listeners"] and is_chosen(path)}
        if chosen:
            paths[path] = chosen
    document["paths"] = paths
    written = os.path.join(str(folder), "openapi.json")
    with open(written, "w", encoding="utf-8") as out:
        json.dump(document, out)
    return written, sum(len(item) for item in paths.values())


def judged(schemathesis, site, folder, described, url, caller=None):
    document, operations = described
    # Every check is on by default; --checks would turn on what the file turns off for an operation.
    report = os.path.join(str(folder), "report.json")
    command = [schemathesis, "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", document, "--url", url,
               "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "16", "--generation-database", "none",
               "--continue-on-failure", "--request-timeout", "20", "--no-color", "--report", "json", "--report-json-path", report]
    if caller:
        command += ["--tls-verify", "false", "--request-cert", caller.certificate, "--request-cert-key", caller.key]
    elif url.startswith("https"):
        command += ["--tls-verify", "false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800, cwd=str(folder))
    assert site.server_pid(), "the server is gone"
    with open(os.path.join(site.state, "server.log"), encoding="utf-8") as log:
        assert "a handler threw" not in log.read()
    cases = re.search(r"([0-9,]+) generated", done.stdout)
    print(f"{url}: {operations} operations, {cases.group(1) if cases else '?'} cases, exit status {done.returncode}")
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]


def test_the_boot_listener(schemathesis, site, tmp_path):
    judged(schemathesis, site, tmp_path, description(tmp_path, "boot", lambda path: True), f"http://127.0.0.1:{PORTS['boot']}")


def test_the_enrol_listener(schemathesis, site, tmp_path):
    judged(schemathesis, site, tmp_path, description(tmp_path, "enrol", lambda path: True), f"https://127.0.0.1:{PORTS['enrol']}")


def test_the_scrapers_port(schemathesis, site, tmp_path):
    judged(schemathesis, site, tmp_path, description(tmp_path, "loopback", lambda path: True), f"http://127.0.0.1:{PORTS['metrics']}")


def test_the_node_listener_by_a_machine(schemathesis, site, machine, tmp_path):
    described = description(tmp_path, "node", lambda path: not path.startswith("/v1/operator/"))
    judged(schemathesis, site, tmp_path, described, f"https://127.0.0.1:{PORTS['node']}", machine)


def test_the_node_listener_by_an_operator(schemathesis, site, operator, tmp_path):
    described = description(tmp_path, "node", lambda path: path.startswith("/v1/operator/"))
    judged(schemathesis, site, tmp_path, described, f"https://127.0.0.1:{PORTS['node']}", operator)
