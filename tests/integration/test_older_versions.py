"""Programs of today with those of 0.2.0, and with what those left behind (tests/fixtures)."""
import base64
import hashlib
import json
import os
import sqlite3

import pytest
from older_site import OlderSite

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
# What `plan` ends with on a machine without systemd, once it has read its documents.
HAS_READ = "muster-agent: connecting to systemd"


def cached_digest(site, name):
    """Of the document that the machine has verified."""
    payload = base64.b64decode(site.kept(name, "cache/document.json")["payload"])
    return "sha256:" + hashlib.sha256(payload).hexdigest(), json.loads(payload)


def shown(site, name):
    return json.loads(site.muster("node", "show", name, "-o", "json").stdout)


def start(site):
    """It was off for days, with too few machines to tell the time: an operator says that the clock is right."""
    site.start_server()
    site.muster("clock", "confirm")


@pytest.fixture
def kept(tmp_path):
    site = OlderSite.of("0.2.0", tmp_path)
    start(site)
    yield site
    site.stop_server()


def test_todays_programs_go_on_with_a_site_of_0_2_0(kept):
    before, checkpoint = shown(kept, "n1"), kept.kept("n1", "checkpoint.json")
    assert before["digest"] == cached_digest(kept, "n1")[0]
    assert (before["report"]["agentVersion"], before["report"]["verdict"], before["agentTooOld"]) == ("0.2.0", "failed", "")
    # The same inventory, the same bytes: nothing is signed again, but for the master's CoreDNS, of which a cluster of two has two by now.
    applied = kept.muster("apply", kept.inventory).stdout
    changed, rest = applied.split("1 machine unchanged\n")
    assert changed.startswith("changed   lab/m1\n    /config/addons/coredns/manifest: ") and changed.count("\n") == 2, applied
    assert rest.startswith("lab: revision 2 ") and kept.muster("apply", kept.inventory).stdout.startswith("2 machines unchanged\n"), applied
    assert shown(kept, "n1")["digest"] == before["digest"]
    done = kept.run_agent(kept.program("muster-agent"), "plan", "n1")
    assert HAS_READ in done["err"] and "enrol" not in done["err"] and "refused" not in done["err"], done["err"]
    assert cached_digest(kept, "n1")[0] == before["digest"]
    now = kept.kept("n1", "checkpoint.json")
    assert [now[field] for field in ("documentGeneration", "peersGeneration")] == [checkpoint[field] for field in ("documentGeneration", "peersGeneration")] == [1, 1]


def test_the_agent_of_0_2_0_is_served_what_it_reads(kept):
    agent, path = os.path.join(kept.state, "muster-agent"), os.path.join(kept.inventory, "lab.yaml")
    with open(path, encoding="ascii") as stream:
        text = stream.read()
    with open(path, "w", encoding="ascii") as out:
        out.write(text.replace("maxPods: 120", "maxPods: 121"))
    difference = kept.muster("diff", kept.inventory).stdout
    assert "/config/kubelet/maxPods: 120 -> 121" in difference and "warning" not in difference, difference
    kept.muster("apply", kept.inventory)
    done = kept.run_agent(agent, "plan", "n1")
    assert HAS_READ in done["err"] and "refused" not in done["err"], done["err"]
    digest, document = cached_digest(kept, "n1")
    assert (digest, document["config"]["kubelet"]["maxPods"]) == (shown(kept, "n1")["digest"], 121)
    # A machine that it never was: trust, proof, identity and peers from a server of today.
    done = kept.run_agent(agent, "plan", "m1")
    assert "enrol" in done["err"] and HAS_READ in done["err"] and "refused" not in done["err"], done["err"]
    assert cached_digest(kept, "m1")[0] == shown(kept, "m1")["digest"]
    assert kept.kept("m1", "cache/peers.json")["payloadType"] == "application/vnd.muster.peer-list.v1+json"


def test_a_ban_of_0_2_0_holds(tmp_path):
    """It was a flag of the machine's record."""
    site = OlderSite.of("0.2.0", tmp_path)
    store = sqlite3.connect(os.path.join(site.state, "server", "state.sqlite"))
    with store:
        flag, said = '"banReason":"","banned":false', '"banReason":"stolen","banned":true'
        changed = store.execute("update records set value = cast(replace(value, ?, ?) as blob) where kind = 'machine' and key = 'lab/n1'", (flag, said))
        assert changed.rowcount == 1
    store.close()
    start(site)
    (row,) = json.loads(site.muster("status", "-o", "json").stdout)["clusters"]
    assert row["bans"] == [{"node": "n1", "reason": "stolen"}], row
    assert shown(site, "n1")["state"] == "banned"
    done = site.run_agent(site.program("muster-agent"), "plan", "n1")
    assert "machine 'n1': banned; an operator may lift it with `muster unban n1`" in done["err"], done["err"]
    site.muster("unban", "n1")
    done = site.run_agent(site.program("muster-agent"), "plan", "n1")
    assert HAS_READ in done["err"] and "banned" not in done["err"], done["err"]
    site.stop_server()


def test_an_inventory_that_is_refused_by_now_keeps_no_server_from_starting(kept):
    """One unknown field in what was published once: that cluster is in quarantine, and cured while the server runs."""
    before = shown(kept, "n1")["digest"]
    kept.stop_server()
    store = sqlite3.connect(os.path.join(kept.state, "server", "state.sqlite"))
    with store:
        changed = store.execute("update records set value = cast(replace(value, 'maxPods: 120', 'maxPods: 120, formerField: 1') as blob) where kind = 'revision'")
        assert changed.rowcount == 1
    store.close()
    kept.start_server()
    (row,) = json.loads(kept.muster("status", "-o", "json").stdout)["quarantined"]
    assert row["cluster"] == "lab" and "formerField: expected a known field, found 'formerField'" in row["reason"], row
    text = kept.muster("status").stdout
    assert "cluster lab is in quarantine: it is served as it was, and nothing new is published for it" in text and "muster apply DIR" in text, text
    # Its machines are enrolled, and served as they were.
    done = kept.run_agent(kept.program("muster-agent"), "plan", "n1")
    assert HAS_READ in done["err"] and "enrol" not in done["err"] and "refused" not in done["err"], done["err"]
    assert cached_digest(kept, "n1")[0] == shown(kept, "n1")["digest"] == before
    # The very inventory of before is cure enough.
    kept.muster("apply", kept.inventory)
    status = json.loads(kept.muster("status", "-o", "json").stdout)
    assert status["quarantined"] == [] and status["clusters"][0]["revisionNumber"] == 2, status
    assert shown(kept, "n1")["digest"] == before
    kept.stop_server()
    kept.start_server()
    assert json.loads(kept.muster("status", "-o", "json").stdout)["quarantined"] == []
