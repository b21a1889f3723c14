"""Anybody on the segment may ask for what a machine starts by, and tell of its failures, as often as he likes: he takes nothing
from the machine, decides nothing, and pushes out nothing that is told of it."""
import hashlib
import http.client
import json
import os
import re
import statistics
import time
import urllib.error
import urllib.request

import pytest
from conftest import CLUSTER, mac, node

FILES = {"vmlinuz": b"kernel", "initrd": b"initrd", "root.squashfs": b"root", "arguments": b"panic=30\n"}
TRIES = 40


def import_image(site):
    image = os.path.join(site.state, "releases", "image-tower")
    os.makedirs(image)
    artifacts = [{"path": name, "kind": "file", "mode": "0644", "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
                 for name, content in sorted(FILES.items())]
    manifest = {"apiVersion": "muster/v1", "kind": "Release", "name": "image-tower", "version": "20261202.050000", "architecture": "amd64",
                "artifacts": artifacts}
    for name, content in {**FILES, "release.json": json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()}.items():
        with open(os.path.join(image, name), "wb") as out:
            out.write(content)
    site.muster("release", "import", image)


@pytest.fixture
def segment(own_site, tmp_path):
    import_image(own_site)
    started = "".join(node(name, "node", last).replace("}}\n", "}, overrides: {netboot: {image: tower}}}\n")
                      for name, last in (("n1", 21), ("n2", 22)))
    (tmp_path / "inventory" / "cluster.yaml").write_text(CLUSTER + node("m1", "master", 11) + started)
    own_site.muster("apply", str(tmp_path / "inventory"))
    return own_site


def get(site, path, data=None):
    """(status, body)"""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{site.ports['boot']}{path}", data=data), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def claim(site, last):
    status, archive = get(site, f"/boot/machine.cpio?mac={mac(last)}")
    assert status == 200, archive
    return re.search(rb'"token": "(muster1\.[^"]+)"', archive)[1].decode()


def test_a_machine_is_handed_its_claim_whoever_else_asks(segment):
    own = claim(segment, 21)
    for _ in range(TRIES):
        assert claim(segment, 21) == own
    assert [token["node"] for token in json.loads(segment.muster("token", "list", "-o", "json").stdout)["tokens"]] == ["n1"]
    status, answer = segment.machine("n1").enrol(own, mac(21))
    assert (status, answer.get("node")) == (200, "n1"), answer
    # Used, it admits nobody else, and asking again gives none while the machine has just come up.
    status, answer = segment.machine("thief").enrol(own, mac(22))
    assert status == 403, answer
    assert get(segment, f"/boot/machine.cpio?mac={mac(21)}")[0] in (403, 503)


def test_a_claim_that_a_stranger_took_is_none_for_his_own_hardware_nor_another_node(segment):
    stolen = claim(segment, 21)
    for hardware, kind in ((99, "claim_other_machine"), (22, "hints_other_node")):
        status, answer = segment.machine(f"thief-{hardware}").enrol(stolen, mac(hardware))
        assert (status, answer["kind"]) == (403, kind), answer
    status, answer = segment.machine("n1").enrol(claim(segment, 21), mac(21))
    assert (status, answer.get("node")) == (200, "n1"), answer


def test_with_forged_hardware_he_holds_a_name_that_is_worth_nothing_once_the_machine_comes(segment):
    stolen, own = claim(segment, 22), claim(segment, 22)
    thief, itself = segment.machine("thief"), segment.machine("n2")
    assert thief.enrol(stolen, mac(22))[0] == 200
    status, answer = itself.enrol(own, mac(22))
    assert (status, answer["kind"]) == (403, "claim_contested"), answer
    assert "two keys came with claims of one start" in segment.muster("node", "show", "n2").stdout
    for method, path, body in (("POST", "/v1/certificates", {"requests": []}), ("GET", "/v1/secrets/any", None)):
        status, answer = thief.ask(method, path, body)
        assert status == 403, answer


def test_asking_leaves_nothing_behind_and_costs_the_same_each_time(segment):
    claim(segment, 21)
    before, took = len(segment.audit()["rows"]), []
    for _ in range(400):
        began = time.perf_counter()
        claim(segment, 21)
        took.append(time.perf_counter() - began)
    assert len(segment.audit()["rows"]) == before
    first, last = statistics.median(took[:100]), statistics.median(took[-100:])
    assert last < 3 * first, f"a request took {first * 1000:.1f} ms, after 400 {last * 1000:.1f} ms"


def test_what_a_machine_told_of_its_failure_outlives_a_flood_of_strangers_words(segment):
    """1 200 addresses, more than twice the places there are."""
    assert get(segment, f"/boot/failure?mac={mac(21)}", b"no root found")[0] == 200
    for number in range(1200):
        connection = http.client.HTTPConnection("127.0.0.1", segment.ports["boot"], timeout=10,
                                                source_address=(f"127.7.{number // 200}.{number % 200 + 1}", 0))
        connection.request("POST", f"/boot/failure?mac=06:00:00:00:{number // 256:02x}:{number % 256:02x}", b"words")
        assert connection.getresponse().status == 200
        connection.close()
    assert "no root found" in segment.muster("explain", "enrolment", "n1").stdout
