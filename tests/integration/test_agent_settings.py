"""Where the real agent finds its settings, on machines of each cloud, as `muster-agent facts` shows it."""
import json
import os

import pytest
from cloud_machine import run

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci")), "agent", "muster-agent")
PIN = "sha256:" + "a" * 64
SERVERS = ["https://10.77.0.1:8443"]
FILE = json.dumps({"sitePin": PIN, "enrolServers": SERVERS, "token": "s3cret"})
CLOUD_CONFIG = f"""#cloud-config
packages: [jq]
write_files:
  - path: /etc/muster/agent.json
    permissions: '0600'
    content: |
      {FILE}
"""
DIGITALOCEAN = {"sys_vendor": "DigitalOcean", "product_serial": "1234"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


def facts(**machine):
    done = run(AGENT, "facts", "-o", "json", **machine)
    assert done["rc"] == 0, done["err"]
    assert "s3cret" not in done["out"] + done["err"]
    return json.loads(done["out"])["settings"], done


def assert_found(settings, place):
    assert settings["fields"] == {"sitePin": {"value": PIN, "from": place}, "enrolServers": {"value": SERVERS[0], "from": place},
                                  "token": {"value": "set", "from": place}}
    assert "failure" not in settings


@pytest.mark.parametrize("smbios", [{"sys_vendor": "Amazon EC2"}, {"product_uuid": "EC2E1916-9099", "product_serial": "ec2e1916-9099"}])
def test_ec2_through_imdsv2(smbios):
    settings, done = facts(smbios=smbios, service={
        "PUT /latest/api/token": [[200, {}, "token==", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}]],
        "GET /latest/user-data": [[200, {}, CLOUD_CONFIG, {"X-aws-ec2-metadata-token": "token=="}]]})
    assert_found(settings, "EC2 user-data")
    assert done["requests"] == ["PUT /latest/api/token", "GET /latest/user-data"]


def test_gce():
    path = "/computeMetadata/v1/instance/attributes/user-data"
    flavor = {"Metadata-Flavor": "Google"}
    settings, _ = facts(smbios={"product_name": "Google Compute Engine"}, service={"GET " + path: [[200, flavor, FILE, flavor]]})
    assert_found(settings, "GCE user-data")


def test_digitalocean_whose_service_starts_late():
    settings, done = facts(smbios=DIGITALOCEAN, service={
        "GET /metadata/v1/user-data": [[404, {}, "", {}], [503, {"Retry-After": "1"}, "", {}], [200, {}, FILE, {}]]})
    assert_found(settings, "DigitalOcean user-data")
    assert len(done["requests"]) == 3
    assert "waiting for DigitalOcean user-data: GET http://169.254.169.254:80/metadata/v1/user-data: expected 200, found 404" in done["err"]


def test_nocloud_by_kernel_argument_and_by_folder():
    settings, _ = facts(command_line="quiet ds=nocloud;s=http://169.254.169.254/seed/", service={"GET /seed/user-data": [[200, {}, CLOUD_CONFIG, {}]]})
    assert_found(settings, "NoCloud user-data (http://169.254.169.254:80/seed/user-data)")
    settings, _ = facts(files={"/var/lib/cloud/seed/nocloud/user-data": FILE})
    assert_found(settings, "NoCloud user-data (/var/lib/cloud/seed/nocloud/user-data)")


def test_a_flat_metadata_document_from_a_service_and_as_a_file():
    flat = json.dumps({"myRole": "masterFollower", "myDomain": "m2.b126.example", "masterAddr": "m1.b126.example", "kubenodesAddr": "n1.b126.example",
                       "domainsEnv": "BASE_DOMAIN=b126.example API_SERVER_DOMAIN=api.b126.example ETCD_DOMAIN=etcd.b126.example", "muster": json.loads(FILE)})
    for machine, place in (({"smbios": DIGITALOCEAN, "service": {"GET /metadata/v1/user-data": [[200, {}, flat, {}]]}}, "DigitalOcean user-data"),
                           ({"files": {"/etc/muster/metadata.json": flat}}, "/etc/muster/metadata.json")):
        settings, _ = facts(**machine)
        assert settings["fields"].pop("metadata") == {"value": "m2 as follower", "from": place}
        assert_found(settings, place)


def test_a_complete_file_asks_nobody():
    settings, done = facts(smbios=DIGITALOCEAN, files={"/etc/muster/agent.json": FILE}, service={})
    assert_found(settings, "/etc/muster/agent.json")
    assert done["requests"] == []


def test_a_machine_of_no_cloud_waits_for_nobody():
    settings, done = facts(smbios={"sys_vendor": "Supermicro"}, service={})
    assert done["requests"] == []
    assert settings["failure"]["class"] == "document"
    assert settings["places"][-1] == {"name": "user-data", "found": "no cloud by SMBIOS, no seed"}


@pytest.mark.waits
def test_a_service_that_never_answers_is_a_failure_of_the_network():
    settings, _ = facts(smbios=DIGITALOCEAN)
    assert settings["failure"]["class"] == "network"
    assert settings["failure"]["message"].startswith("DigitalOcean user-data: none within 10 s; last: GET http://169.254.169.254:80/metadata/v1/user-data: no connection")


@pytest.mark.parametrize("user_data, problem", [
    ("", "expected the agent's settings, found no text"),
    ("#!/bin/sh\necho s3cret\n", "line 1: expected JSON, '#cloud-config' or MIME, found a script"),
    (CLOUD_CONFIG[:-20], "line 4: /etc/muster/agent.json: refused, 1 problem:\n/: expected JSON, found parse error at line 1, column"),
])
def test_undecodable_or_partial_user_data_is_refused_with_its_line(user_data, problem):
    settings, _ = facts(smbios=DIGITALOCEAN, service={"GET /metadata/v1/user-data": [[200, {}, user_data, {}]]})
    assert settings["failure"]["class"] == "document"
    assert settings["failure"]["message"].startswith("DigitalOcean user-data: " + problem)
