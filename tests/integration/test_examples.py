"""What scripts/examples says is held against what will read it."""
import base64
import json
import os
import subprocess

import botocore.session
import pytest
from botocore.validate import ParamValidator
from local_cluster import BUILD, REPOSITORY

EXAMPLES = os.path.join(REPOSITORY, "scripts", "examples")


@pytest.mark.parametrize("template", sorted(os.listdir(os.path.join(EXAMPLES, "templates"))))
def test_a_template_is_a_valid_inventory(template):
    muster = os.path.join(BUILD, "metadata-server", "cli", "muster")
    done = subprocess.run([muster, "validate", os.path.join(EXAMPLES, "templates", template)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_towers_are_sound_and_each_has_its_lease_and_its_bmc_s():
    muster, folder = os.path.join(BUILD, "metadata-server", "cli", "muster"), os.path.join(EXAMPLES, "towers")
    done = subprocess.run([muster, "validate", "--strict", folder], capture_output=True, text=True)
    assert done.stdout == (
        "towers: 3 machines, sound. Certificates live 90 days: the longest server outage its machines survive.\n"
        "towers: 3 netboot: whoever owns the segment that they start from can start them otherwise (campos, madrid, moscow).\n"
        "towers: 3 of these start from their state disk, without the server, once an image is there (campos, madrid, moscow).\n"), done.stderr
    command = [muster, "dhcp", "config", folder, "--interface", "eno2", "--boot-server", "http://192.168.2.1:8080", "--mode", "full"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("dhcp-host=")] == [
        "dhcp-host=0c:c4:7a:80:0b:5b,set:cluster-towers,192.168.2.4,campos", "dhcp-host=0c:c4:7a:80:0b:6b,set:cluster-towers,192.168.2.14",
        "dhcp-host=0c:c4:7a:80:0a:3d,set:cluster-towers,192.168.2.3,madrid", "dhcp-host=0c:c4:7a:80:0a:4d,set:cluster-towers,192.168.2.13",
        "dhcp-host=0c:c4:7a:80:09:1f,set:cluster-towers,192.168.2.2,moscow", "dhcp-host=0c:c4:7a:80:09:2f,set:cluster-towers,192.168.2.12"]
    subprocess.run(["dnsmasq", "--test", "--conf-file=-"], input=done.stdout, text=True, check=True)


HARDENED = os.path.join(EXAMPLES, "hardened")


def hardened_by_the_components(folder):
    muster = os.path.join(BUILD, "metadata-server", "cli", "muster")
    releases = os.path.join(os.environ.get("MUSTER_CACHE", "/var/cache/muster"), "releases")
    return subprocess.run([muster, "validate", "--strict", "--with-releases", releases, folder], capture_output=True, text=True)


@pytest.mark.release_build
def test_the_hardened_profile_is_what_the_components_take(tmp_path):
    done = hardened_by_the_components(HARDENED)
    assert done.returncode == 0, done.stderr
    with open(os.path.join(HARDENED, "cluster.yaml"), encoding="utf-8") as stream:
        text = stream.read()
    # That they look into it; what is below a plugin's name is read by the machine alone (tests/conformance).
    for old, new, told in (("kind: AdmissionConfiguration", "kind: Admission", 'no kind "Admission"'),
                           ("threshold: 500", "threshold: many", "expected a whole number")):
        assert old in text
        (tmp_path / "cluster.yaml").write_text(text.replace(old, new))
        done = hardened_by_the_components(tmp_path)
        assert done.returncode == 3 and told in done.stderr, (new, done.stderr)


def test_the_requests_of_an_autoscaling_group_are_what_aws_takes(tmp_path):
    text = "#cloud-config\nruncmd: [[true]]\n"
    (tmp_path / "workers.yaml").write_text(text)
    command = [os.path.join(EXAMPLES, "autoscaling-group", "requests"), "--user-data", str(tmp_path / "workers.yaml"), "--image", "ami-0123456789abcdef0",
               "--subnet", "subnet-0123456789abcdef0", "--group", "workers", "--maximum", "50", "--into", str(tmp_path)]
    subprocess.run(command, check=True)
    session = botocore.session.get_session()
    for file, service, operation in (("launch-template", "ec2", "CreateLaunchTemplate"), ("group", "autoscaling", "CreateAutoScalingGroup")):
        request = json.loads((tmp_path / f"{file}.json").read_text())
        model = session.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(request, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        # The model refuses what it does not know: a misspelt field would not pass.
        assert ParamValidator().validate({**request, "Unknown": 1}, model.input_shape).has_errors()
        if service == "ec2":
            assert base64.b64decode(request["LaunchTemplateData"]["UserData"]).decode() == text
    (tmp_path / "workers.yaml").write_text("#" * 16385)
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr == f"{tmp_path / 'workers.yaml'}: expected at most 16384 bytes, which EC2 takes, found 16385\n"
