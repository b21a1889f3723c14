"""EC2 instance identity documents: what a forged, foreign, old or stolen one does not give. A test authority stands in
for AWS's signing certificates; the server's code path is the same."""
import base64
import json
import os

import pytest

from conftest import LocalCluster, Machine, sanitizer_reports, import_small_releases
from ec2_authority import Authority

INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: cloud}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.65.0.0/16, serviceCidr: 10.97.0.0/16, nodeCidr: 127.0.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: cloud, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [127.0.2.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec:
  cluster: cloud
  role: node
  namePattern: "ci-{index}"
  maximum: 20
  addressRanges: [127.0.3.0/24]
  instanceIdentity: {accounts: ["123456789012"], regions: [eu-central-1], images: [ami-5fb8c835]}
"""


class Site(LocalCluster):
    def __init__(self, state, *authorities):
        super().__init__(state, address="127.0.0.1", ports={"boot": 18780, "enrol": 18783, "node": 18784, "metrics": 18785})
        pinned = os.path.join(state, "aws")
        os.makedirs(pinned)
        for authority in authorities:
            os.link(authority.certificate, os.path.join(pinned, os.path.basename(authority.certificate)))
        self.server_settings = {"awsCertificates": pinned}

    def apply(self, inventory):
        folder = os.path.join(self.state, "inventory")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "cloud.yaml"), "w", encoding="ascii") as out:
            out.write(inventory)
        self.muster("apply", folder)
        return folder

    def pool_token(self, pool="ci", count=1):
        made = self.muster("token", "create", "--cluster", "cloud", "--pool", pool, "--count", str(count), "-o", "json")
        return json.loads(made.stdout)["token"]

    def left(self, token):
        listed = json.loads(self.muster("token", "list", "-o", "json").stdout)["tokens"]
        return [row["left"] for row in listed if row["id"] == token.split(".")[1]]

    def machine(self, name, source):
        return Machine(os.path.join(self.state, "machines"), name, "127.0.0.1", (self.ports["enrol"], self.ports["node"]), source)

    def explain(self, name):
        return json.loads(self.muster("explain", "enrolment", name, "-o", "json").stdout)

    def audit(self, action):
        return [row for row in json.loads(self.muster("audit", "-o", "json").stdout)["rows"] if row["action"] == action]


@pytest.fixture(scope="module", name="aws")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aws")
    return {name: Authority(str(folder / name), region) for name, region in
            [("frankfurt", "eu-central-1"), ("dublin", "eu-west-1"), ("attacker", "eu-central-1")]}


@pytest.fixture(scope="module", name="site")
def cloud_site(tmp_path_factory, aws):
    site = Site(str(tmp_path_factory.mktemp("cloud")), aws["frankfurt"], aws["dublin"])
    site.start_server()
    import_small_releases(site)
    site.apply(INVENTORY)
    assert site.machine("m", "127.0.2.1").enrol(site.pool_token("masters"))[0] == 200
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def refused(site, source, token, identity, name="attacker"):
    """(status, kind, message) of an attempt that spends nothing."""
    status, answer = site.machine(f"{name}-{source}", source).enrol(token, identity=identity)
    assert status != 200, answer
    assert site.left(token) in ([1], [])
    return status, answer["kind"], answer["message"]


def attempt(site, name, token, document, source="127.0.3.4"):
    status, answer = site.machine(name, source).enrol(token, identity=document)
    return status, answer["kind"], answer["message"]


def test_the_sound_one_is_let_in(site, aws):
    token = site.pool_token()
    status, answer = site.machine("sound", "127.0.3.1").enrol(token, identity=aws["frankfurt"].identity("i-0000000000000aaaa", "127.0.3.1"))
    assert (status, answer.get("node")) == (200, "ci-1"), answer
    assert site.left(token) == [0]
    assert [row["state"] for row in site.explain("i-0000000000000aaaa")["machines"]] == ["enrolled"]


def test_a_document_that_was_changed_is_refused(site, aws):
    sound = aws["frankfurt"].identity("i-0000000000000bbbb", "127.0.3.9")
    forged = base64.encodebytes(base64.decodebytes(sound.encode()).replace(b"127.0.3.9", b"127.0.3.2")).decode()
    status, kind, message = refused(site, "127.0.3.2", site.pool_token(), forged)
    assert (status, kind) == (403, "identity_document_forged"), message


def test_an_attackers_own_certificate_inside_the_message_is_refused(site, aws):
    document = aws["attacker"].document("i-0000000000000cccc", "127.0.3.2")
    for certificates in ((), ("-nocerts",)):
        forged = aws["attacker"].sign(document, certificates=certificates)
        assert refused(site, "127.0.3.2", site.pool_token(), forged) == (
            403, "identity_document_forged",
            "instance identity document: CMS message: it is signed by none of the certificates that are trusted for it")


def test_sha1_is_refused(site, aws):
    weak = aws["frankfurt"].sign(aws["frankfurt"].document("i-0000000000000cccc", "127.0.3.2"), digest="sha1")
    assert refused(site, "127.0.3.2", site.pool_token(), weak) == (
        403, "identity_document_forged",
        "instance identity document: CMS message: expected a signature over SHA-256, SHA-384 or SHA-512, found SHA1")


def test_another_region_is_refused(site, aws):
    dublin = aws["dublin"].identity("i-0000000000000cccc", "127.0.3.2")
    assert refused(site, "127.0.3.2", site.pool_token(), dublin) == (
        403, "identity_document_region", "instance identity document: expected region eu-central-1, found 'eu-west-1'")
    # Dublin's key does not speak for Frankfurt.
    lying = aws["dublin"].identity("i-0000000000000cccc", "127.0.3.2", region="eu-central-1")
    assert refused(site, "127.0.3.2", site.pool_token(), lying) == (
        403, "identity_document_forged", "instance identity document: it says region 'eu-central-1' and is signed by that of eu-west-1")


def test_a_foreign_account_and_a_foreign_image_are_refused(site, aws):
    foreign = aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.2", accountId="210987654321")
    assert refused(site, "127.0.3.2", site.pool_token(), foreign) == (
        403, "identity_document_account", "instance identity document: expected account 123456789012, found '210987654321'")
    image = aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.2", imageId="ami-00000000")
    assert refused(site, "127.0.3.2", site.pool_token(), image) == (
        403, "identity_document_image", "instance identity document: expected image ami-5fb8c835, found 'ami-00000000'")


def test_an_instance_that_was_launched_long_ago_is_refused(site, aws):
    status, kind, message = refused(site, "127.0.3.2", site.pool_token(), aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.2", age=1000))
    assert (status, kind) == (403, "identity_document_age")
    assert message.startswith("instance identity document: expected an instance that was launched at most 900 s ago, found 100")
    assert message.endswith(" s; launch it anew, or raise the pool's spec.instanceIdentity.maximumAge")


@pytest.mark.parametrize("text", ["", "AAAA", "not base64 at all!", "A" * 16384, "{}"])
def test_what_is_no_document_is_refused(site, text):
    kind = refused(site, "127.0.3.2", site.pool_token(), text)[1]
    assert kind == ("proof_missing" if text == "" else "identity_document_invalid")


def test_a_document_that_is_too_long_is_refused(site):
    assert refused(site, "127.0.3.2", site.pool_token(), "A" * 16385) == (
        400, "invalid", "enrol request: refused, 1 problem:\n/instanceIdentity: expected at most 16384 bytes, found 16385")


def test_one_proof_is_not_enough_where_both_are_needed(site, aws):
    assert refused(site, "127.0.3.2", site.pool_token(), None) == (
        403, "proof_missing", "pool 'cloud/ci': expected token and instanceIdentity, found a token alone; start the machine on EC2, or take "
        "instanceIdentity out of the pool's spec.proofs")
    alone = site.machine("alone", "127.0.3.2")
    status, answer = alone.enrol(identity=aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.2"))
    assert (status, answer["awaits"]) == (202, "approval"), answer  # as anybody may wait
    assert not os.path.exists(alone.certificate)
    assert refused(site, "127.0.3.2", "muster1.0000000000000000.x", aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.2"))[1] == "token_unknown"


def test_another_machines_document_is_refused(site, aws):
    stolen = aws["frankfurt"].identity("i-0000000000000cccc", "127.0.3.8")
    status, kind, message = refused(site, "127.0.3.2", site.pool_token(), stolen)
    assert (status, kind) == (403, "identity_document_address"), message


def test_a_replay_by_a_second_key_changes_nothing(site, aws):
    token, document = site.pool_token(count=3), aws["frankfurt"].identity("i-0000000000000dddd", "127.0.3.4")
    victim = site.machine("victim", "127.0.3.4")
    status, answer = victim.enrol(token, identity=document)
    assert status == 200, answer
    rows = len(site.audit("enrolment-refused"))
    for number in range(3):
        status, kind, message = attempt(site, f"thief-{number}", token, document)
        assert (status, kind) == (409, "identity_document_used"), message
        assert message == (f"instance identity document: another key used that of i-0000000000000dddd and is 'cloud/{answer['node']}'; if it lost "
                           f"its key, an operator orders `muster node replace {answer['node']}`, else launch another instance")
    assert site.left(token) == [2]
    assert victim.ask("GET", "/v1/document")[0] == 200
    # One row at once, and one that counts what followed.
    row, *counted = site.audit("enrolment-refused")[rows:]
    assert len(counted) <= 1
    assert row["subject"] == f"cloud/{answer['node']}" and "i-0000000000000dddd" in row["detail"]


def test_a_removed_instance_does_not_come_back(site, aws):
    document = aws["frankfurt"].identity("i-0000000000000eeee", "127.0.3.5")
    machine = site.machine("gone", "127.0.3.5")
    status, answer = machine.enrol(site.pool_token(), identity=document)
    assert status == 200, answer
    site.muster("node", "remove", answer["node"], "--cluster", "cloud")
    token = site.pool_token()
    for who in (machine, site.machine("other", "127.0.3.5")):
        status, refusal = who.enrol(token, identity=document)
        assert (status, refusal["kind"]) == (409, "identity_document_used"), refusal
    assert site.left(token) == [1]


def test_two_machines_claim_one_name(site, aws):
    """Both say that they are host ci-7, with the hardware of nobody: each gets a name of its own from the server."""
    first, second = site.machine("ci-7", "127.0.3.6"), site.machine("claim", "127.0.3.7")
    second.name = "ci-7"
    answers = [who.enrol(site.pool_token(), identity=aws["frankfurt"].identity(f"i-0000000000000777{i}", f"127.0.3.{6 + i}"))
               for i, who in enumerate((first, second))]
    assert [status for status, _ in answers] == [200, 200]
    assert answers[0][1]["node"] != answers[1][1]["node"]


def test_a_pod_that_reads_its_machines_user_data_and_identity_joins_nothing(site, aws):
    """User-data and the metadata service are there for every process of the machine. The token may have uses left."""
    user_data = site.muster("user-data", "--cluster", "cloud", "--pool", "ci", "--count", "3").stdout
    token = next(line.split('"')[3] for line in user_data.splitlines() if '"token"' in line)
    document = aws["frankfurt"].identity("i-0000000000000ffff", "127.0.3.10")
    machine = site.machine("host", "127.0.3.10")
    status, answer = machine.enrol(token, identity=document)
    assert status == 200, answer

    def nodes():
        """Without who was refused from a machine's address, which is to be told."""
        rows = json.loads(site.muster("node", "list", "--cluster", "cloud", "-o", "json").stdout)["nodes"]
        return [{key: value for key, value in row.items() if key not in ("reason", "cure")} for row in rows]

    before = nodes()
    refusals = {}
    for source in ("127.0.3.10", "127.0.3.11", "127.0.2.9", "127.0.9.9"):  # of the host's network, or routed as itself
        for what, identity in (("both", document), ("token", None)):
            status, kind, _ = attempt(site, f"pod-{source}-{what}", token, identity, source)
            refusals[(source, what)] = (status, kind)
    assert refusals == {
        ("127.0.3.10", "both"): (409, "identity_document_used"), ("127.0.3.10", "token"): (403, "proof_missing"),
        ("127.0.3.11", "both"): (403, "identity_document_address"), ("127.0.3.11", "token"): (403, "proof_missing"),
        ("127.0.2.9", "both"): (403, "identity_document_address"), ("127.0.2.9", "token"): (403, "proof_missing"),
        ("127.0.9.9", "both"): (403, "identity_document_address"), ("127.0.9.9", "token"): (403, "proof_missing")}
    # Without the token it waits for an operator, as anybody may, whatever it says of its hardware.
    assert site.machine("pod", "127.0.3.10").enrol(identity=document)[0] == 202
    # Nor does the machine's own certificate, which a pod does not have, answer to another key.
    assert site.left(token) == [2]
    assert nodes() == before
    assert machine.ask("GET", "/v1/document")[0] == 200


def test_a_pod_in_a_pool_of_a_token_alone_joins_nothing_either(site):
    """Its token has a use left; its address is its machine's, or lies outside of the pool's range."""
    token = site.pool_token("masters", 2)
    master = site.machine("m", "127.0.2.1")
    assert master.enrol(token)[0] == 200  # who holds the name spends nothing
    assert [attempt(site, f"pod-{source}", token, None, source)[:2] for source in ("127.0.2.1", "127.0.3.77", "127.0.2.3")] == [
        (409, "address_taken"), (403, "address_outside"), (409, "pool_full")]


def test_explain_enrolment_says_why(site, aws):
    source = "127.0.3.40"
    for _ in range(3):
        refused(site, source, site.pool_token(), aws["frankfurt"].identity("i-0000000000009999", source, age=2000), "late")
    for name in (source, f"late-{source}", "i-0000000000009999"):
        (row,) = site.explain(name)["refusals"][-1:]
        assert (row["code"], row["asked"], row["instance"], row["source"]) == (
            "identity_document_age", "pool 'cloud/ci'", "i-0000000000009999", source)
        assert "launch it anew" in row["message"]
    text = site.muster("explain", "enrolment", source).stdout
    assert text.startswith("refused: identity_document_age, ") and "  asked for pool 'cloud/ci'\n" in text, text
    nobody = site.muster("explain", "enrolment", "nobody", check=False)
    assert nobody.returncode == 1 and nobody.stderr.startswith("muster: 'nobody': nothing is known: the server refused nobody of that name"), nobody


def test_a_flood_of_refusals_keeps_to_its_bounds(site):
    """From one address, each with a key and a host name of its own: the last eight are kept, those of others stay."""
    victim = site.explain("127.0.3.40")["refusals"]
    for number in range(12):
        attempt(site, f"flood-{number}", "muster1.0000000000000000.x", None, "127.0.3.41")
    assert len(site.explain("127.0.3.41")["refusals"]) == 8
    assert site.explain("127.0.3.40")["refusals"] == victim


def test_validate_tells_what_the_server_does_not_pin(site, tmp_path):
    (tmp_path / "cloud.yaml").write_text(INVENTORY.replace("regions: [eu-central-1]", "regions: [eu-central-1, us-east-1]"))
    done = site.muster("validate", str(tmp_path), check=False)
    assert done.returncode == 3
    assert ("spec.instanceIdentity.regions[1]: expected a region whose certificate the server pins, found 'us-east-1'; put AWS's certificate "
            "into the server's folder `awsCertificates` as us-east-1.pem and restart it") in done.stderr
    (tmp_path / "cloud.yaml").write_text(INVENTORY)
    assert site.muster("validate", str(tmp_path)).returncode == 0
