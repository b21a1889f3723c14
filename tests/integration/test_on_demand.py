"""Clusters on demand through the real programs: created, joined by machines, scaled, ended."""
import json
import os
import subprocess
import urllib.request

import pytest

from local_cluster import LocalCluster, REPOSITORY
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases
from small_template import TEMPLATE, set_small_template


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 18280, "enrol": 18643, "node": 18644, "metrics": 19380})

    def release(self, name, version, path, content):
        folder = os.path.join(self.state, "releases", name)
        os.makedirs(os.path.join(folder, os.path.dirname(path)))
        with open(os.path.join(folder, path), "w", encoding="ascii") as out:
            out.write(content)
        subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), name, version, folder], check=True)
        self.muster("release", "import", folder)

    def json(self, *arguments):
        return json.loads(self.muster(*arguments, "-o", "json").stdout)

    def enrol(self, cluster, name, source, user_data):
        """A machine that was started with this user-data, as its agent enrols."""
        machine = Machine(os.path.join(self.state, "machines", cluster), name, "127.0.0.1", (self.ports["enrol"], self.ports["node"]), source)
        return machine, *machine.enrol(settings_in(user_data)["token"])


def settings_in(user_data):
    import yaml
    files = {file["path"]: file for file in yaml.safe_load(user_data)["write_files"]}
    assert files["/etc/muster/agent.json"]["permissions"] == "0600"
    return json.loads(files["/etc/muster/agent.json"]["content"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("on-demand")))
    site.start_server()
    import_small_releases(site)
    site.release("muster-agent", "1.0.0", "debs/muster-agent.deb", "the agent's package\n")
    set_small_template(site)
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def created(site, tmp_path, name, *more):
    folder = tmp_path / name
    folder.mkdir()
    site.muster("cluster", "create", name, "--template", "small", "--user-data-dir", str(folder), *more)
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_cluster_comes_up_grows_and_goes(site, tmp_path):
    files = created(site, tmp_path, "ci", "--masters", "1", "--nodes", "2")
    assert list(files) == ["ci-master-1.yaml", "ci-nodes.yaml"]
    assert all(os.stat(tmp_path / "ci" / name).st_mode & 0o777 == 0o600 for name in files)
    _, status, _ = site.enrol("ci", "a", "127.0.3.1", files["ci-nodes.yaml"])
    assert status == 202  # nobody is served before the master is there
    master, status, answer = site.enrol("ci", "m", "127.0.2.1", files["ci-master-1.yaml"])
    assert (status, answer.get("node")) == (200, "m-1"), answer
    node, status, answer = site.enrol("ci", "a", "127.0.3.1", files["ci-nodes.yaml"])
    assert (status, answer.get("node")) == (200, "w-1"), answer
    assert site.enrol("ci", "thief", "127.0.2.2", files["ci-master-1.yaml"])[1] in (403, 409)
    assert node.ask("GET", "/v1/document")[0] == 200
    assert [row["machines"] for row in site.json("cluster", "list")["clusters"] if row["name"] == "ci"] == [2]
    more = site.json("cluster", "scale", "ci", "--nodes", "4")["userData"]
    assert [file["machines"] for file in more] == [2]
    assert site.enrol("ci", "b", "127.0.3.2", more[0]["text"])[1] == 200
    site.muster("cluster", "extend", "ci", "--ttl", "8h")
    site.muster("cluster", "delete", "ci")
    assert node.ask("GET", "/v1/document")[1]["payloadType"] == "application/vnd.muster.tombstone.v1+json"
    assert site.enrol("ci", "late", "127.0.3.9", more[0]["text"])[2]["kind"] == "cluster_ended"
    assert [row for row in site.json("cluster", "list")["clusters"] if row["name"] == "ci"] == []
    assert "127.0.3" not in site.muster("node", "list").stdout
    # The machines' addresses are free for the next one.
    files = created(site, tmp_path, "ci-again", "--masters", "1")
    assert site.enrol("ci-again", "m", "127.0.2.1", files["ci-again-master-1.yaml"])[1] == 200
    site.muster("cluster", "delete", "ci-again")


def test_each_master_has_a_token_of_its_own_for_one_use_within_15_minutes(site, tmp_path):
    files = created(site, tmp_path, "tokens", "--masters", "3", "--nodes", "2")
    ids = {name: settings_in(text)["token"].split(".")[1] for name, text in files.items()}
    assert len(set(ids.values())) == 4
    tokens = {token["id"]: token for token in site.json("token", "list")["tokens"]}
    bounds = {name: (tokens[id]["pool"], tokens[id]["count"], tokens[id]["expiresAt"] - tokens[id]["createdAt"]) for name, id in ids.items()}
    masters = {f"tokens-master-{i}.yaml": ("masters", 1, 900) for i in (1, 2, 3)}
    assert bounds == {**masters, "tokens-nodes.yaml": ("workers", 2, 3600)}
    master = files["tokens-master-1.yaml"]
    assert site.enrol("tokens", "m", "127.0.2.31", master)[1] == 202
    _, status, answer = site.enrol("tokens", "thief", "127.0.2.32", master)
    assert (status, answer["kind"]) == (403, "token_exhausted"), answer
    site.muster("cluster", "delete", "tokens")


def test_three_masters_start_together(site, tmp_path):
    files = created(site, tmp_path, "three", "--masters", "3")
    assert len(set(settings_in(text)["token"] for text in files.values())) == 3
    statuses = [site.enrol("three", f"m{i}", f"127.0.2.1{i}", files[f"three-master-{i}.yaml"])[1] for i in (1, 2, 3)]
    assert statuses == [202, 202, 200]
    names = [site.enrol("three", f"m{i}", f"127.0.2.1{i}", files[f"three-master-{i}.yaml"])[2]["node"] for i in (1, 2, 3)]
    assert names == ["m-1", "m-2", "m-3"]
    roles = [node["role"] for node in site.json("node", "list", "--cluster", "three")["nodes"]]
    assert sorted(roles) == ["follower", "follower", "master"]
    site.muster("cluster", "delete", "three")


def test_apply_keeps_off_its_name(site, tmp_path):
    created(site, tmp_path, "owned")
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "c.yaml").write_text(TEMPLATE.replace("small", "owned"))
    done = site.muster("apply", str(folder), check=False)
    assert done.returncode == 5 and "made on demand" in done.stderr, done.stderr
    site.muster("cluster", "delete", "owned")


def test_cloud_init_accepts_the_user_data(site, tmp_path):
    for name, text in created(site, tmp_path, "schema", "--nodes", "1").items():
        path = tmp_path / name
        path.write_text(text)
        done = subprocess.run(["cloud-init", "schema", "--config-file", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "Valid cloud-config" in done.stdout, done.stdout + done.stderr
        assert "deprecat" not in (done.stdout + done.stderr).lower()
        settings = settings_in(text)
        assert settings["sitePin"] == site.site_pin()
        assert settings["enrolServers"] == ["https://127.0.0.1:18643"]
    site.muster("cluster", "delete", "schema")


def test_the_agents_package_is_verified_before_it_is_used(site, tmp_path):
    import yaml
    text = list(created(site, tmp_path, "install").values())[0]
    script = {file["path"]: file for file in yaml.safe_load(text)["write_files"]}["/run/muster-install"]["content"]
    digest = script.split('DIGEST, SERVERS = "')[1].split('"')[0]
    with urllib.request.urlopen(f"http://127.0.0.1:18280/v1/artifacts/{digest}") as answer:
        assert answer.read() == b"the agent's package\n"
    fetched = tmp_path / "got.deb"
    bench = script.replace("/run/muster-agent.deb", str(fetched)).replace("/usr/bin/muster-agent", str(tmp_path / "none"))
    bench = bench.replace('["dpkg", "--install", PACKAGE]', f'["cp", PACKAGE, "{tmp_path}/installed"]')
    subprocess.run(["/usr/bin/python3", "-c", bench], check=True, timeout=30)
    assert (tmp_path / "installed").read_text() == "the agent's package\n"
    # Another content under the digest's name, as from a server in the middle: nothing is installed.
    other = digest[:-4] + ("0000" if digest[-4:] != "0000" else "1111")
    forged = bench.replace(f'DIGEST, SERVERS = "{digest}"', f'DIGEST, SERVERS = "{other}"').replace('/v1/artifacts/{DIGEST}"', f'/v1/artifacts/{digest}"')
    done = subprocess.run(["/usr/bin/python3", "-c", forged.replace("range(60)", "range(1)").replace("/installed", "/forged")],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0 and f"expected {other}, found {digest}" in done.stderr
    assert not (tmp_path / "forged").exists()
    site.muster("cluster", "delete", "install")


CLOUD_INIT_MERGES = """
import email, json, sys
from cloudinit import handlers, helpers, user_data
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
paths = helpers.Paths({"cloud_dir": sys.argv[1], "run_dir": sys.argv[1]})
message = user_data.UserDataProcessor(paths).process(sys.stdin.read())
handler = CloudConfigPartHandler(paths)
handler.handle_part(None, handlers.CONTENT_START, None, None, handlers.PER_INSTANCE, None)
scripts = []
for part in message.walk():
    if part.get_content_type() == "text/x-shellscript":
        scripts.append(part.get_payload(decode=True).decode())
    if part.get_content_type() == "text/cloud-config":
        handler.handle_part(None, part.get_content_type(), part.get_filename(), part.get_payload(decode=True).decode(), handlers.PER_INSTANCE, part)
json.dump({"config": handler.cloud_buf, "scripts": scripts}, sys.stdout, default=dict)
"""


def test_cloud_init_runs_what_is_ours_and_what_is_theirs(site, tmp_path):
    site.muster("cluster", "create", "mixed", "--template", "small", "--nodes", "1", "--user-data-dir", str(tmp_path / "made"))
    own = tmp_path / "own.yaml"
    own.write_text("#cloud-config\npackages: [jq]\nruncmd:\n- [touch, /run/theirs]\nwrite_files:\n- {path: /run/their-file, content: theirs}\n")
    script = tmp_path / "hello.sh"
    script.write_text("#!/bin/sh\necho hello\n")
    text = site.muster("user-data", "--cluster", "mixed", "--pool", "workers", "--part", str(own), "--part", str(script)).stdout
    merged = subprocess.run(["/usr/bin/python3", "-c", CLOUD_INIT_MERGES, str(tmp_path)], input=text, capture_output=True, text=True, check=True)
    assert "WARN" not in merged.stderr, merged.stderr
    got = json.loads(merged.stdout)
    config = got["config"]
    assert got["scripts"] == ["#!/bin/sh\necho hello\n"]
    assert config["packages"] == ["jq"]
    assert [file["path"] for file in config["write_files"]][:2] == ["/run/their-file", "/etc/muster/agent.json"]
    assert config["runcmd"][0] == ["touch", "/run/theirs"] and ["systemctl", "enable", "muster.target"] in config["runcmd"]
    refused = site.muster("user-data", "--cluster", "mixed", "--pool", "workers", "--part", str(tmp_path / "made" / "none"), check=False)
    assert refused.returncode != 0 and "made/none': " in refused.stderr
    site.muster("cluster", "delete", "mixed")
