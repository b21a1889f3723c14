"""The agent beside Debian's cloud-init: it looks where ds-identify looks, and reads what cloud-init's own tools write,
and of each user-data of a corpus what cloud-init would leave in /etc/muster/agent.json."""
import base64
import concurrent.futures
import json
import os
import subprocess

import pytest
from cloud_machine import run
from user_data_corpus import REFUSED, TEXTS
from test_agent_settings import AGENT, CLOUD_CONFIG, DIGITALOCEAN, assert_found, facts

IDENTIFY = "/usr/lib/cloud-init/ds-identify"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


def identified(root, smbios, command_line):
    """What ds-identify says of a virtual machine: 'Ec2', or 'none'."""
    names = root / "sys/class/dmi/id"
    names.mkdir(parents=True)
    for field, value in smbios.items():
        (names / field).write_text(value + "\n")
    (root / "proc").mkdir()
    (root / "proc/cmdline").write_text(command_line + "\n")
    (root / "bin").mkdir()
    (root / "bin/systemd-detect-virt").write_text("#!/bin/sh\necho kvm\n")
    (root / "bin/systemd-detect-virt").chmod(0o755)
    environment = {"PATH_ROOT": str(root), "PATH": f"{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DI_LOG": "stderr"}
    done = subprocess.run([IDENTIFY, "--force"], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return "none"
    return (root / "run/cloud-init/cloud.cfg").read_text().split("[")[1].split(",")[0].strip()


@pytest.mark.parametrize("smbios, command_line", [
    ({"product_uuid": "EC2E1916-9099", "product_serial": "ec2e1916-9099"}, "quiet"),
    ({"product_uuid": "EC2E1916-9099", "product_serial": "S123"}, "quiet"),
    ({"product_name": "Google Compute Engine"}, "quiet"),
    ({"product_serial": "GoogleCloud-1234"}, "quiet"),
    ({"sys_vendor": "DigitalOcean"}, "quiet"),
    ({"sys_vendor": "Supermicro", "product_name": "SYS-1029"}, "quiet"),
    ({"sys_vendor": "QEMU", "product_name": "Standard PC"}, "ds=nocloud-net;s=http://169.254.169.254/"),
    ({"product_serial": "ds=nocloud;s=http://169.254.169.254/"}, "quiet"),
])
def test_the_same_machine_is_of_the_same_cloud(smbios, command_line, tmp_path):
    # A refusal of the service ends the question at once and names whom it was.
    done = run(AGENT, "facts", "-o", "json", smbios=smbios, command_line=command_line, service={
        f"{method} {path}": [[403, {}, "", {}]] for method, path in (
            ("PUT", "/latest/api/token"), ("GET", "/computeMetadata/v1/instance/attributes/user-data"),
            ("GET", "/metadata/v1/user-data"), ("GET", "/user-data"))})
    place = json.loads(done["out"])["settings"]["places"][-1]["name"]
    ours = {"user-data": "none", "EC2": "Ec2"}.get(place.split(" ")[0], place.split(" ")[0])
    assert ours == identified(tmp_path, smbios, command_line)


def test_cloud_init_takes_the_same_text(tmp_path):
    path = tmp_path / "user-data"
    path.write_text(CLOUD_CONFIG)
    done = subprocess.run(["cloud-init", "schema", "--config-file", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_agents_part_is_found_in_what_make_mime_writes(tmp_path):
    # An umlaut makes cloud-init's tool choose base64.
    for name, text in (("ours", CLOUD_CONFIG), ("theirs", "#!/bin/sh\necho grün\n"), ("packed", "#cloud-config\n# grün\n")):
        (tmp_path / name).write_text(text)
    words = ["cloud-init", "devel", "make-mime", "-a", f"{tmp_path}/theirs:x-shellscript", "-a", f"{tmp_path}/packed:cloud-config",
             "-a", f"{tmp_path}/ours:cloud-config"]
    message = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    settings, _ = facts(smbios=DIGITALOCEAN, service={"GET /metadata/v1/user-data": [[200, {}, message, {}]]})
    assert_found(settings, "DigitalOcean user-data")
    cut = message[:message.rindex("--")]
    settings, _ = facts(smbios=DIGITALOCEAN, service={"GET /metadata/v1/user-data": [[200, {}, cut, {}]]})
    assert settings["failure"]["message"].endswith("expected MIME's closing delimiter, found the end: the text is cut")


def found_by_cloud_init(texts, folder):
    oracle = os.path.join(os.path.dirname(os.path.abspath(__file__)), "user_data_oracle.py")
    done = subprocess.run(["/usr/bin/python3", oracle, folder, "/etc/muster/agent.json"], capture_output=True, text=True, check=True,
                          input=json.dumps([base64.b64encode(text).decode() for text in texts]))
    for answer in json.loads(done.stdout):
        try:
            settings = json.loads(base64.b64decode(answer.get("content", "")))
            yield (settings["sitePin"], settings["enrolServers"])
        except ValueError:
            yield None


def found_by_the_agent(text):
    """(what it found or None, its words)"""
    seed = {"base64": base64.b64encode(text).decode()}
    settings, _ = facts(files={"/var/lib/cloud/seed/nocloud/user-data": seed})
    if "failure" in settings:
        assert settings["failure"]["class"] == "document", settings["failure"]
        return None, settings["failure"]["message"]
    return (settings["fields"]["sitePin"]["value"], settings["fields"]["enrolServers"]["value"].split(",")), ""


def test_of_each_text_the_agent_finds_what_cloud_init_would_write(tmp_path):
    texts = {name: text if isinstance(text, bytes) else text.encode() for name, text in TEXTS.items()}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ours = list(pool.map(found_by_the_agent, texts.values()))
    theirs = list(found_by_cloud_init(texts.values(), tmp_path))
    different = [f"{name}: cloud-init: {their and their[1]}, the agent: {our and our[1]} {words}"
                 for name, their, (our, words) in zip(texts, theirs, ours) if their != our]
    assert not different, f"{len(different)} of {len(texts)}:\n" + "\n".join(different)
    assert len(texts) > 150 and 70 < len([one for one in theirs if one]) < len(texts) - 30  # both kinds


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_can_say_beforehand_is_refused_with_its_cure(name):
    text, words = REFUSED[name]
    found, said = found_by_the_agent(text.encode())
    assert found is None and words in said
