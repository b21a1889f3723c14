"""A ban stays until it is lifted, whatever becomes of its machine, through the real programs."""
import json
import os

import pytest

from metadata_machine import Machine
from older_site import INVENTORY
from small_releases import import_small_releases
from small_template import set_small_template
from test_departures import Cluster
from test_on_demand import Site, settings_in

WITHOUT_N1 = INVENTORY.rsplit("---\n", 1)[0]
BARRED = "machine '{0}/{1}': its key was banned under this name; an operator may lift it with `muster unban {1} --cluster {0}`"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("bans")))
    site.ports = {"boot": 18285, "enrol": 18649, "node": 18650, "metrics": 19385}
    site.start_server()
    import_small_releases(site)
    set_small_template(site)
    yield site
    site.stop_server()


def apply(site, text, *more):
    folder = os.path.join(site.state, "inventory")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lab.yaml"), "w", encoding="ascii") as out:
        out.write(text)
    site.muster("apply", folder, *more)


def test_a_member_that_is_banned_and_removed(site, tmp_path):
    cluster = Cluster(site, tmp_path, "pooled", 40, nodes=2)
    more = site.json("cluster", "scale", "pooled", "--nodes", "5")["userData"][0]["text"]
    stolen, token = cluster.machines["w-2"], settings_in(more)["token"]
    site.muster("ban", "w-2", "--cluster", "pooled", "--reason", "stolen")
    site.muster("node", "remove", "w-2", "--cluster", "pooled", "--no-drain")
    site.stop_server()
    site.start_server()
    status, answer = stolen.enrol(token)
    assert (status, answer["kind"], answer["message"]) == (403, "banned", BARRED.format("pooled", "w-2")), answer
    assert stolen.ask("GET", "/v1/document")[1]["kind"] == "banned"
    assert site.enrol("pooled", "w-3", "127.0.3.47", more)[2].get("node") == "w-3"
    assert ("pooled/w-2: banned, and no machine has the name: stolen; `muster unban w-2 --cluster pooled` lets it in again"
            in site.muster("node", "list").stdout)
    assert "pooled: banned: w-2 (stolen); muster unban NAME lets it in again" in site.muster("status").stdout
    told = site.muster("explain", "enrolment", "w-2").stdout
    assert "pooled/w-2: banned\n  banned: stolen (since " in told and "; `muster unban w-2 --cluster pooled` lets it in again\n" in told, told
    assert site.muster("unban", "w-2").stdout == "pooled/w-2: unbanned\n"
    # Its address waits with its name; its key is free.
    status, answer = stolen.enrol(token)
    assert answer["kind"] == "address_taken", answer
    site.muster("cluster", "delete", "pooled")


def test_a_machine_that_is_banned_and_rolled_back(site):
    apply(site, WITHOUT_N1)
    apply(site, INVENTORY)
    machine = Machine(os.path.join(site.state, "machines", "lab"), "n1", "127.0.0.1", (site.ports["enrol"], site.ports["node"]))

    def enrol():
        made = site.muster("token", "create", "--cluster", "lab", "--node", "n1", "--role", "node", "-o", "json")
        return machine.enrol(json.loads(made.stdout)["token"])

    assert enrol()[0] == 200 and machine.ask("GET", "/v1/document")[0] == 200
    site.muster("ban", "n1", "--reason", "stolen")
    for revision in ("1", "2"):
        site.muster("revision", "rollback", revision, "--cluster", "lab", "--remove")
        assert machine.ask("GET", "/v1/document")[1]["kind"] == "banned"
    status, answer = enrol()
    assert (status, answer["kind"], answer["message"]) == (403, "banned", BARRED.format("lab", "n1")), answer
    assert site.json("node", "show", "n1")["state"] == "banned"
    site.muster("unban", "n1")
    assert enrol()[0] == 200 and machine.ask("GET", "/v1/document")[0] == 200


def test_what_nobody_knows_is_not_explained(site):
    done = site.muster("explain", "enrolment", "nosuch", check=False)
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.startswith("muster: 'nosuch': nothing is known: the server refused nobody of that name since it started, nobody waits, "
                                  "no machine has it; look there with `journalctl -u muster-agent`"), done.stderr
