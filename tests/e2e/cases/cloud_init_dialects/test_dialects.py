"""Stock Debian hosts whose own cloud-init reads NoCloud and EC2 metadata from the server while they boot: without a
warning, without a pause between two questions."""
import json
import re

import pytest
from local_cluster import LAB, SERVER_ADDRESS, call

pytestmark = pytest.mark.long

MACHINES = {"seed": "10.77.0.190", "tree": "10.77.0.191"}
INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: rack}
spec: {kubernetesVersion: 1.36.3, nodeCidr: 10.77.0.0/16, podCidr: 10.71.0.0/16, serviceCidr: 10.98.0.0/16}
""" + "".join(f"""---
apiVersion: muster/v1
kind: Node
metadata: {{name: {name}}}
spec: {{cluster: rack, role: {role}, address: {address}, match: {{mac: ["02:4d:55:00:00:{int(address.rsplit('.')[-1]):02x}"]}}}}
""" for (name, address), role in zip(MACHINES.items(), ("master", "node")))


@pytest.fixture(scope="module")
def booted(rack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialects")
    inventory = folder / "inventory"
    inventory.mkdir()
    (inventory / "rack.yaml").write_text(INVENTORY)
    rack.muster("apply", str(inventory))
    boot = f"http://{SERVER_ADDRESS}:{rack.ports['boot']}"
    settings = {"seed": {"datasource_list": ["NoCloud", "None"]},
                "tree": {"datasource_list": ["Ec2", "None"], "datasource": {"Ec2": {"metadata_urls": [boot], "strict_id": False}}}}
    arguments = {"seed": f"ds=nocloud-net;s={boot}/nocloud/", "tree": "ds=ec2"}
    call(LAB, "image", "cloud")
    for name, address in MACHINES.items():
        place = folder / name / "etc/cloud/cloud.cfg.d"
        place.mkdir(parents=True)
        # cloud-init reads JSON as the YAML that it is, but wants this list on a line of its own.
        sources = settings[name].pop("datasource_list")
        (place / "91-list.cfg").write_text(f"datasource_list: [{', '.join(sources)}]\n")
        (place / "90-cloud.cfg").write_text(json.dumps({**settings[name], "network": {"config": "disabled"}, "locale": "C.UTF-8"}) + "\n")
        # Ec2 first asks for names that do not exist, to see through a DNS that lies; the rack's has to answer.
        (folder / name / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        call(LAB, "up", name, "--address", address, "--image", "cloud", "--tree", str(folder / name), "--argument", arguments[name], "--no-start")
    rack.on_each(MACHINES, lambda name: call(LAB, "power", "on", name))
    yield rack
    call(LAB, "down", *MACHINES)


@pytest.mark.parametrize("name,source", [("seed", "DataSourceNoCloudNet"), ("tree", "DataSourceEc2")])
def test_cloud_init_takes_what_it_is_told_at_once(booted, name, source):
    booted.wait_for("cloud-init to end", lambda: booted.run(name, "test", "-e", "/run/cloud-init/result.json", check=False).returncode == 0, 90)
    result = json.loads(booted.run(name, "cat", "/run/cloud-init/result.json").stdout)["v1"]
    assert result["errors"] == [] and source in result["datasource"], result
    log = booted.run(name, "cat", "/var/log/cloud-init.log").stdout
    # The host has no sshd, whatever cloud-init is told.
    assert [line for line in re.findall(r"^.*\bWARNING\b.*$", log, re.M) if "ssh" not in line.lower()] == []
    assert not re.findall(r"^.*(?:Please wait|will be retried|Sleeping|giving up).*$", log, re.M | re.I)
    asked = re.findall(r"Read from (http\S+) \(200, \d+b\) after (\d+) attempts", log)
    assert asked and {attempts for _, attempts in asked} == {"1"}, asked
    analysed = booted.run(name, "cloud-init", "analyze", "show").stdout
    found = re.search(rf"(\S+) ?\|?`?->found (?:network|local) data from {source} .*?\+(\d+\.\d+)s", analysed)
    assert found, analysed
    print(f"{source}: {len(asked)} questions, found after {found.group(2)} s of cloud-init's")
    assert float(found.group(2)) < 2, log
    settings = json.loads(booted.run(name, "cat", "/etc/muster/agent.json").stdout)
    assert settings["sitePin"] == booted.site_pin() and "token" not in settings
    assert booted.run(name, "hostname").stdout.strip() == name
