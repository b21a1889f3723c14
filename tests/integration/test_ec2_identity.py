"""The real agent on a machine of EC2: user-data and instance identity document from its metadata service, a real server
that verifies both. A test authority stands in for AWS's."""
import base64
import json
import os
import subprocess
import threading

import pytest
from cloud_machine import run
from ec2_authority import Authority
from local_cluster import LocalCluster
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases

BRIDGE, SERVER, ADDRESS = "muster-ec2", "10.79.0.1", "10.79.0.21"
PORTS = {"boot": 28180, "enrol": 28183, "node": 28184, "metrics": 28185}
IDENTITY = "GET /latest/dynamic/instance-identity/rsa2048"
INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: NAME}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.65.0.0/16, serviceCidr: 10.97.0.0/16, nodeCidr: 10.79.0.0/24}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: NAME, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [MASTER/32], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: workers}
spec:
  cluster: NAME
  role: node
  namePattern: "w-{index}"
  maximum: 9
  addressRanges: [10.79.0.16/28]
  instanceIdentity: {accounts: ["123456789012"], regions: [eu-central-1]}
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("aws")))


@pytest.fixture(scope="module")
def site(tmp_path_factory, aws):
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    site = LocalCluster(str(tmp_path_factory.mktemp("ec2")), address=SERVER, ports=PORTS)
    try:
        for address in (SERVER, "10.79.0.2"):
            subprocess.run(["ip", "address", "add", f"{address}/24", "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
        pinned = os.path.join(site.state, "aws")
        os.makedirs(pinned)
        os.link(aws.certificate, os.path.join(pinned, "eu-central-1.pem"))
        site.server_settings = {"awsCertificates": pinned}
        site.start_server()
        import_small_releases(site)
        yield site
        site.stop_server()
        assert sanitizer_reports(os.path.join(site.state, "server.log")) == []
    finally:
        site.stop_server()
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)


def cluster(site, name, address):
    """A cluster of this name; what is returned enrols its master from one of the server's addresses."""
    folder = os.path.join(site.state, name)
    os.makedirs(folder)
    with open(os.path.join(folder, "site.yaml"), "w", encoding="ascii") as out:
        out.write(INVENTORY.replace("NAME", name).replace("MASTER", address))
    site.muster("apply", folder)
    token = json.loads(site.muster("token", "create", "--cluster", name, "--pool", "masters", "-o", "json").stdout)["token"]
    return lambda: Machine(os.path.join(site.state, "masters"), name, SERVER, (PORTS["enrol"], PORTS["node"]), address).enrol(token)


def explained(site, name):
    return json.loads(site.muster("explain", "enrolment", name, "-o", "json").stdout)


def instance(site, name, identity, address=ADDRESS):
    """What EC2 is to an instance: its firmware's words, its metadata service, its user-data."""
    user_data = site.muster("user-data", "--cluster", name, "--pool", "workers").stdout
    with_token = {"X-aws-ec2-metadata-token": "token=="}
    return {"name": "ip-10-79-0-21", "bridge": BRIDGE, "address": f"{address}/24", "smbios": {"sys_vendor": "Amazon EC2"},
            "service": {"PUT /latest/api/token": [[200, {}, "token==", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}]],
                        "GET /latest/user-data": [[200, {}, user_data, with_token]],
                        IDENTITY: [[*answer, with_token] for answer in identity]}}


def served(folder):
    with open(os.path.join(folder, "muster/cache/document.json"), encoding="ascii") as stream:
        return json.loads(base64.b64decode(json.load(stream)["payload"]))["role"]["node"]


@pytest.fixture(scope="module")
def lab(site):
    status, answer = cluster(site, "lab", SERVER)()
    assert status == 200, answer
    return "lab"


def test_an_instance_enrols_by_its_user_data_and_its_identity(site, aws, lab, tmp_path):
    machine = instance(site, lab, [[200, {}, aws.identity("i-0000000000000021", ADDRESS)]])
    done = run(site.program("muster-agent"), "plan", state=str(tmp_path), **machine)
    assert served(tmp_path) == "w-1", done["err"]
    assert done["requests"] == ["PUT /latest/api/token", "GET /latest/user-data", "PUT /latest/api/token", IDENTITY]
    # Of the refusal that made the agent ask for it, nothing is left.
    assert explained(site, ADDRESS)["refusals"] == []


def test_a_service_that_is_late_with_the_identity_is_waited_for(site, aws, lab, tmp_path):
    address = "10.79.0.22"
    machine = instance(site, lab, [[404, {}, ""], [503, {"Retry-After": "1"}, ""], [200, {}, aws.identity("i-0000000000000022", address)]], address)
    done = run(site.program("muster-agent"), "plan", state=str(tmp_path), **machine)
    assert served(tmp_path) == "w-2", done["err"]
    assert "waiting for EC2 instance identity: GET http://169.254.169.254:80/latest/dynamic/instance-identity/rsa2048: expected 200, found 404" in done["err"]


def test_an_old_instance_is_told_why_on_both_sides(site, aws, lab, tmp_path):
    address = "10.79.0.23"
    machine = instance(site, lab, [[200, {}, aws.identity("i-0000000000000023", address, age=5000)]], address)
    done = run(site.program("muster-agent"), "plan", state=str(tmp_path), **machine)
    reason = "instance identity document: expected an instance that was launched at most 900 s ago, found 50"
    assert done["rc"] == 1 and reason in done["err"], done["err"]
    for name in (address, "i-0000000000000023", machine["name"]):
        assert reason in site.muster("explain", "enrolment", name).stdout


def test_a_machine_outside_of_ec2_is_told_what_it_lacks(site, aws, lab, tmp_path):
    machine = instance(site, lab, [], "10.79.0.24")
    user_data = machine["service"]["GET /latest/user-data"][0][2]
    del machine["smbios"], machine["service"]
    done = run(site.program("muster-agent"), "plan", state=str(tmp_path), files={"/var/lib/cloud/seed/nocloud/user-data": user_data}, **machine)
    assert done["rc"] == 1
    for expected in ("expected token and instanceIdentity, found a token alone", "by its SMBIOS this machine is none of EC2"):
        assert expected in done["err"], done["err"]


def test_a_node_says_that_it_waits_for_masters(site, aws, tmp_path):
    enrol_master = cluster(site, "early", "10.79.0.2")
    machine = instance(site, "early", [[200, {}, aws.identity("i-0000000000000025", "10.79.0.25")]], "10.79.0.25")
    answers = []

    def is_admitted():
        # Until it came nothing is known of it, which is no answer.
        asked = site.muster("explain", "enrolment", "10.79.0.25", "-o", "json", check=False)
        return asked.returncode == 0 and any(row["state"] == "admitted" for row in json.loads(asked.stdout)["machines"])

    def come():
        site.wait_for("the node to be a member", is_admitted, 30)
        answers.append(enrol_master())

    master = threading.Thread(target=come)
    master.start()
    done = run(site.program("muster-agent"), "plan", state=str(tmp_path), **machine)
    master.join()
    assert answers[0][0] == 200, answers
    assert served(tmp_path) == "w-1", done["err"]
    assert "waiting for the cluster's masters: it starts when as many are there as it needs" in done["err"]
    assert "muster approve" not in done["err"]
