"""Debian's cloud-init asks a running server for NoCloud seeds and EC2-style metadata: whole, at once, without a
warning, without an answer that it would ask for again a second later."""
import base64
import http.client
import json
import os
import re
import socket
import subprocess
import time

import pytest
import yaml

from local_cluster import LocalCluster
from sanitizers import sanitizer_reports
from small_releases import import_small_releases

CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cloud_init_client.py")
PORT = 18380
OWN = "10.99.0.11"  # of this host while the tests run: no machine of an inventory may be on loopback
URL = f"http://{OWN}:{PORT}"
MAC, UUID = "02:4d:55:00:00:15", "4c4c4544-0042-3510-8052-b4c04f4e3232"
SERIAL = "VMware-56 4d/7+%"
# The client's own address is a machine's: m1 is this host.
INVENTORY = f"""apiVersion: muster/v1
kind: Cluster
metadata: {{name: lab}}
spec:
  kubernetesVersion: 1.36.3
  podCidr: 10.64.0.0/16
  serviceCidr: 10.96.0.0/16
  podNetwork: none
---
apiVersion: muster/v1
kind: Node
metadata: {{name: m1}}
spec: {{cluster: lab, role: master, address: {OWN}, match: {{mac: ["02:4d:55:00:00:0b"]}}}}
---
apiVersion: muster/v1
kind: Node
metadata: {{name: n1}}
spec: {{cluster: lab, role: node, address: 10.77.0.21, match: {{mac: ["{MAC}"], uuid: "{UUID}", serial: "{SERIAL}"}}}}
"""
# Another cluster, whose network the inventory has whole.
RACK = """---
apiVersion: muster/v1
kind: Cluster
metadata: {name: rack}
spec:
  kubernetesVersion: 1.36.3
  podCidr: 10.64.0.0/16
  serviceCidr: 10.96.0.0/16
  nodeCidr: 10.78.0.0/22
  nodeGateway: 10.78.0.1
  nameservers: [10.78.0.2]
---
apiVersion: muster/v1
kind: Node
metadata: {name: r1}
spec: {cluster: rack, role: master, address: 10.78.1.11, match: {mac: ["02:4d:55:00:01:0b"]}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    subprocess.run(["ip", "address", "replace", f"{OWN}/32", "dev", "lo"], check=True)
    site = LocalCluster(str(tmp_path_factory.mktemp("site")), address=OWN,
                        ports={"boot": PORT, "enrol": 18743, "node": 18744, "metrics": 19480})
    site.server_settings = {"logLevel": "debug"}  # a line for each request
    site.start_server()
    import_small_releases(site)
    inventory = os.path.join(site.state, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "site.yaml"), "w", encoding="ascii") as out:
        out.write(INVENTORY + RACK)
    site.muster("apply", inventory)
    yield site
    site.stop_server()
    subprocess.run(["ip", "address", "delete", f"{OWN}/32", "dev", "lo"], check=True)
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def cloud_init(site, how, url, tmp_path):
    """What cloud-init got: without a warning, and without one answer but 200, so that it never waits to ask again."""
    log = os.path.join(site.state, "server.log")
    before = os.path.getsize(log)
    done = subprocess.run(["/usr/bin/python3", CLIENT, how, url, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with open(log, encoding="utf-8") as stream:
        stream.seek(before)
        asked = re.findall(r" boot (\d+) \w+ (\S+) from", stream.read())
    assert asked and {status for status, _ in asked} == {"200"}, asked
    return json.loads(done.stdout)


def raw(method, path, headers=None, source=OWN):
    connection = http.client.HTTPConnection(OWN, PORT, timeout=10, source_address=(source, 0))
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def agent_settings(user_data):
    (file,) = yaml.safe_load(user_data)["write_files"]
    assert (file["path"], file["permissions"]) == ("/etc/muster/agent.json", "0600")
    return json.loads(file["content"])


@pytest.mark.parametrize("seed, name", [("/nocloud/", "m1"), (f"/nocloud/mac/{MAC}/", "n1"), (f"/nocloud/uuid/{UUID}/", "n1"),
                                        (f"/nocloud?mac={MAC}&f=", "n1")])
def test_nocloud(site, tmp_path, seed, name):
    got = cloud_init(site, "nocloud", URL + seed, tmp_path)
    assert got["found"] is True
    assert got["meta-data"]["local-hostname"] == name
    assert re.fullmatch("i-[0-9a-f]{17}", got["instance-id"])
    assert got["vendor-data"] == ""
    assert agent_settings(got["user-data"]) == {"sitePin": site.site_pin(), "enrolServers": [f"https://{OWN}:18743"]}


def test_user_data_is_sound_cloud_config(site, tmp_path):
    status, text, headers = raw("GET", "/nocloud/user-data")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    file = tmp_path / "user-data"
    file.write_text(text)
    done = subprocess.run(["cloud-init", "schema", "--config-file", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid cloud-config" in done.stdout


def test_optional_files_are_empty_and_there(site):
    for file in ("vendor-data", "network-config"):
        status, text, headers = raw("GET", f"/nocloud/{file}")
        assert (status, text, headers["Content-Length"]) == (200, "", "0")


@pytest.mark.parametrize("kind, file, lines", [
    ("netplan", "etc/netplan/50-cloud-init.yaml", ["- 10.78.1.11/22", "set-name: node0", "via: 10.78.0.1", "- 10.78.0.2"]),
    ("networkd", "etc/systemd/network/10-cloud-init-node0.network", ["Address=10.78.1.11/22", "Name=node0", "Gateway=10.78.0.1", "DNS=10.78.0.2"]),
    ("eni", "etc/network/interfaces.d/50-cloud-init", ["address 10.78.1.11/22", "iface node0 inet static", "dns-nameservers 10.78.0.2"])])
def test_network_config_is_rendered(site, tmp_path, kind, file, lines):
    source = tmp_path / "network-config"
    source.write_text(raw("GET", "/nocloud/mac/02:4d:55:00:01:0b/network-config")[1])
    subprocess.run(["cloud-init", "devel", "net-convert", "-p", source, "-k", "yaml", "-d", tmp_path / "root", "-D", "debian", "-O", kind,
                    "-m", "eth0,02:4d:55:00:01:0b"], check=True, capture_output=True)
    rendered = (tmp_path / "root" / file).read_text()
    for line in lines:
        assert line in rendered, rendered


@pytest.mark.parametrize("how, base, name, address", [("ec2", "", "m1", OWN), ("ec2", "/", "m1", OWN),
                                                      ("aws", "", "m1", OWN), ("aws", f"/ec2/uuid/{UUID}", "n1", "10.77.0.21")])
def test_ec2(site, tmp_path, how, base, name, address):
    got = cloud_init(site, how, URL + base, tmp_path)
    assert got["token"] is (how == "aws")
    assert got["_metadata_api_version"] == "2021-03-23"
    data = got["meta-data"]
    assert (data["local-hostname"], data["local-ipv4"]) == (name, address)
    (interface,) = data["network"]["interfaces"]["macs"].values()
    assert interface["local-ipv4s"] == address
    assert {"mac", "device-number", "subnet-ipv4-cidr-block", "vpc-id"} <= set(interface)
    assert agent_settings(got["user-data"])["sitePin"] == site.site_pin()
    if how == "aws":
        identity = got["dynamic"]["instance-identity"]
        assert identity["document"] == {"cluster": "lab", "node": name, "privateIp": address, "site": site.site_pin(), "instanceId": data["instance-id"]}
        assert json.loads(base64.b64decode(identity["dsse"]["payload"])) == identity["document"]


def test_both_dialects_name_one_instance(site, tmp_path):
    seed = cloud_init(site, "nocloud", URL + "/nocloud/", tmp_path)["instance-id"]
    assert raw("GET", "/latest/meta-data/instance-id")[1] == seed


def test_tokens(site):
    lifetime, header = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
    for seconds, expected in (("0", 400), ("1", 200), ("21600", 200), ("21601", 400), ("soon", 400)):
        status, _, headers = raw("PUT", "/latest/api/token", {lifetime: seconds})
        assert status == expected
        assert headers[lifetime] == (seconds if expected == 200 else None)
    assert raw("PUT", "/latest/api/token")[0] == 400
    _, token, _ = raw("PUT", "/latest/api/token", {lifetime: "1"})
    assert raw("GET", "/latest/meta-data/local-hostname", {header: token})[:2] == (200, "m1")
    time.sleep(1.1)
    assert raw("GET", "/latest/meta-data/local-hostname", {header: token})[0] == 401
    assert raw("PUT", "/latest/api/token", {lifetime: "60", "X-Forwarded-For": OWN})[0] == 403
    _, token, _ = raw("PUT", "/latest/api/token", {lifetime: "60"})
    by_mark = f"/ec2/uuid/{UUID}/latest/meta-data/local-hostname"
    assert raw("GET", by_mark, {header: token})[:2] == (200, "n1")
    assert raw("GET", by_mark, {header: token}, source="127.0.0.2")[0] == 401


def test_a_stranger_is_told_nothing(site):
    for path in ("/", "/latest/meta-data/", "/nocloud/meta-data"):
        status, text, _ = raw("GET", path, source="127.0.0.2")
        assert (status, json.loads(text)["kind"]) == (404, "machine_unknown")
    status, text, _ = raw("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, source="127.0.0.2")
    assert (status, json.loads(text)["kind"]) == (404, "machine_unknown")


def curl(target, *options):
    """Its status, type and length, and the text: the target as it stands, nothing of it made shorter."""
    done = subprocess.run(["curl", "--silent", "--globoff", "--path-as-is", "--max-time", "10", "--include", *options, URL + target],
                          capture_output=True, text=True, check=True)
    head, _, text = done.stdout.replace("\r\n", "\n").partition("\n\n")
    headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
    return int(head.split()[1]), headers.get("content-type"), headers.get("content-length"), text


@pytest.mark.parametrize("target", [
    "//nocloud/meta-data", "/nocloud//meta-data", "///nocloud///meta-data", f"/nocloud//mac/{MAC}//meta-data", f"//nocloud?mac={MAC}&f=meta-data",
    f"/nocloud/uuid/{UUID.upper()}/meta-data", f"/nocloud/mac/{MAC.replace(':', '-')}/meta-data",
    "/nocloud/serial/VMware-56%204d%2F7%2B%25/meta-data", "/nocloud/serial/VMware-56%204d/7+%25/meta-data", "/nocloud/serial/VMware-56%204d%2f7+%/meta-data",
    "/nocloud?serial=VMware-56%204d%2F7%2B%25&f=meta-data", "/nocloud?serial=VMware-56+4d/7%2B%25&f=meta-data"])
def test_curl_finds_the_machine_however_its_url_is_written(site, target):
    name = "n1" if re.search("mac|uuid|serial", target) else "m1"
    status, kind, length, text = curl(target)
    assert (status, kind, int(length)) == (200, "text/plain; charset=utf-8", len(text))
    assert text.endswith(f'local-hostname: "{name}"\n')
    assert curl(target, "--head") == (200, kind, length, "")


def test_curl_reads_the_tree_by_a_mark_with_doubled_slashes(site):
    for target in ("//latest//meta-data/local-hostname", "/latest/meta-data//local-hostname"):
        assert curl(target)[3] == "m1"
    assert curl("/ec2/serial/VMware-56%204d%2F7+%25//latest//meta-data/local-hostname")[3] == "n1"
    token = curl("/ec2//serial/VMware-56%204d%2F7+%25/latest/api/token", "--request", "PUT", "--header", "X-aws-ec2-metadata-token-ttl-seconds: 60")
    assert (token[0], bool(token[3])) == (200, True)


def test_curl_asks_for_heads(site):
    for target in ("/healthz", "/boot.ipxe", "/nocloud/user-data", "/latest/meta-data/", "/latest/meta-data/instance-id", "/ipxe?mac=&uuid=&serial="):
        status, kind, length, text = curl(target)
        assert status == 200, target
        assert curl(target, "--head") == (200, kind, length, ""), (target, text)
    missing = curl("/nocloud/passwd", "--head")
    assert (missing[0], missing[3]) == (404, "")
    assert int(missing[2]) > 0
    assert curl("/latest/api/token", "--head")[0] == 405


@pytest.mark.parametrize("target", [
    "/nocloud/../nocloud/meta-data", "/nocloud/%2e%2e/meta-data", "/nocloud%2Fmeta-data", "/nocloud/serial/../meta-data", "/nocloud/serial/a%2F..%2Fb/meta-data",
    "/nocloud/serial/%00/meta-data", "/nocloud/serial/%0d%0aX:%20y/meta-data", "/nocloud/serial/" + "a" * 129 + "/meta-data", "/latest/..%2f..%2fetc/passwd",
    "/nocloud/serial/VMware-56%25204d%252F7%252B%2525/meta-data", "/v1%2Fartifacts/sha256:00"])
def test_curl_gets_nowhere_by_tricks(site, target):
    assert curl(target)[0] == 404


def test_a_mark_that_was_not_filled_in_is_told_with_its_cure(site):
    for mark, value in (("uuid", "__dmi.system-uuid__"), ("serial", "__dmi.system-serial-number__"), ("serial", "$%7Bserial%7D")):
        for target in (f"/nocloud/{mark}/{value}/meta-data", f"/nocloud?{mark}={value}&f=meta-data", f"/ec2/{mark}/{value}/latest/meta-data/"):
            status, _, _, text = curl(target)
            answer = json.loads(text)
            assert (status, answer["kind"]) == (400, "mark_unexpanded"), target
            assert "did not fill in" in answer["message"] and "found by its address" in answer["message"]
    told = site.muster("explain", "enrolment", OWN).stdout
    assert "did not fill in" in told


def test_what_vendors_leave_behind_is_answered_to_nobody(site):
    for filler in ("To%20Be%20Filled%20By%20O.E.M.", "Default%20string", "System%20Serial%20Number", "0123456789", "Not%20Specified"):
        status, _, _, text = curl(f"/nocloud/serial/{filler}/user-data")
        assert (status, json.loads(text)["kind"]) == (404, "mark_filler")
    for filler in ("00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "03000200-0400-0500-0006-000700080009"):
        assert json.loads(curl(f"/nocloud?uuid={filler}&f=user-data")[3])["kind"] == "mark_filler"


def test_a_request_line_with_a_blank_is_refused_with_its_cure(site):
    with socket.create_connection((OWN, PORT), timeout=10) as connection:
        connection.sendall(b"GET /nocloud/serial/VMware-56 4d/meta-data HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = connection.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 400 ") and "a blank written as %20" in answer


def crawl(folder):
    for entry in raw("GET", folder)[1].splitlines():
        if entry.endswith("/"):
            yield from crawl(folder + entry)
        else:
            yield folder + entry


def test_no_listing_names_what_is_not_there(site):
    leaves = list(crawl("/"))
    assert len(leaves) == 5 * 14
    for leaf in leaves:
        status, text, _ = raw("GET", leaf)
        assert status == 200 and text, leaf


def test_required_tokens(site):
    """A site that only has machines whose cloud-init asks for one may require it."""
    site.stop_server()
    site.server_settings["metadataTokens"] = "required"
    site.start_server()
    try:
        status, text, _ = raw("GET", "/latest/meta-data/")
        assert (status, json.loads(text)["kind"]) == (401, "metadata_token_missing")
        _, token, _ = raw("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        assert raw("GET", "/latest/meta-data/", {"X-aws-ec2-metadata-token": token})[0] == 200
        assert raw("GET", "/nocloud/meta-data")[0] == 200
    finally:
        site.stop_server()
        del site.server_settings["metadataTokens"]
        site.start_server()
