"""How clusters on demand end: warnings and their hook, tombstones, what is left in the store, the audit's files."""
import gzip
import json
import os
import signal
import sqlite3
import threading
import time

import pytest

from local_cluster import LocalCluster
from metadata_machine import Machine
from sanitizers import sanitizer_reports
from small_releases import import_small_releases
from small_template import set_small_template

TOMBSTONE = "application/vnd.muster.tombstone.v1+json"
HOOK = """#!/bin/sh
{{ echo "$@"; cat; }} >>{told}
"""


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 18380, "enrol": 18743, "node": 18744, "metrics": 19480})
        self.told = os.path.join(state, "told")
        hook = os.path.join(state, "hook")
        os.makedirs(state, exist_ok=True)
        with open(hook, "w", encoding="ascii") as out:
            out.write(HOOK.format(told=self.told))
        os.chmod(hook, 0o755)
        self.server_settings = {"expiryHook": hook}
        self.count = 0

    def json(self, *arguments):
        return json.loads(self.muster(*arguments, "-o", "json").stdout)

    def create(self, name, *more):
        return self.json("cluster", "create", name, "--template", "small", *more)

    def member(self, cluster, pool, source):
        self.count += 1
        machine = Machine(os.path.join(self.state, "machines"), f"m{self.count}", "127.0.0.1", (self.ports["enrol"], self.ports["node"]), source)
        token = self.json("token", "create", "--cluster", cluster, "--pool", pool)["token"]
        status, answer = machine.enrol(token)
        assert status == 200, answer
        return machine

    def rows(self):
        """Rows by kind, of a server that stands still."""
        self.stop_server()
        store = sqlite3.connect(os.path.join(self.state, "server", "state.sqlite"))
        try:
            table = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'") if "record" in name][0]
            return dict(store.execute(f"select kind, count(*) from {table} where kind not in ('audit') group by kind"))
        finally:
            store.close()
            self.start_server()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("ends")))
    site.start_server()
    import_small_releases(site)
    set_small_template(site)
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def metric(site, name):
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{site.ports['metrics']}/metrics") as answer:
        return [line for line in answer.read().decode().splitlines() if line.startswith(name)]


def test_warnings_reach_people_metrics_and_the_hook_once(site):
    site.create("warned")
    assert "ends in" not in site.muster("cluster", "list").stdout
    site.muster("cluster", "extend", "warned", "--ttl", "301s")
    site.wait_for("the hook to be told", lambda: os.path.exists(site.told), 10)
    site.stop_server(signal.SIGKILL)
    site.start_server()
    time.sleep(2.5)
    with open(site.told, encoding="ascii") as stream:
        lines = stream.read().splitlines()
    assert len(lines) == 2 and lines[0] == "cluster-expires warned", lines
    told = json.loads(lines[1])
    assert told["secondsLeft"] in (299, 300) and told["createdBy"] == "operator root", told
    assert "warned ends in 4m " in site.muster("cluster", "list").stdout
    assert "to keep it: muster cluster extend warned --ttl 4h" in site.muster("status").stdout
    left = [row["secondsLeft"] for row in site.json("status")["clusters"] if row["cluster"] == "warned"]
    assert 200 < left[0] < 300
    (line,) = metric(site, 'muster_cluster_seconds_left{cluster="warned"}')
    assert 200 < float(line.split()[-1]) < 300
    site.muster("cluster", "delete", "warned")
    assert metric(site, "muster_cluster_seconds_left{") == []


@pytest.mark.waits
def test_an_end_that_comes_by_itself(site):
    site.create("timed", "--nodes", "1")
    master, worker = site.member("timed", "masters", "127.0.2.1"), site.member("timed", "workers", "127.0.3.1")
    began = time.monotonic()
    site.muster("cluster", "extend", "timed", "--ttl", "1m")
    assert worker.ask("GET", "/v1/document")[1]["payloadType"] != TOMBSTONE
    site.wait_for("the cluster to end", lambda: worker.ask("GET", "/v1/document")[1].get("payloadType") == TOMBSTONE, 70)
    assert 55 < time.monotonic() - began < 66
    assert master.ask("GET", "/v1/document")[1]["payloadType"] == TOMBSTONE
    assert worker.ask("POST", "/v1/report", {})[1]["kind"] == "ended"
    actions = [(row["actor"], row["subject"]) for row in site.json("audit", "--limit", "10000")["rows"] if row["action"] == "cluster-expired"]
    assert actions == [("expiry", "timed")]


def test_a_server_that_is_killed_while_it_ends_a_cluster_ends_it_all_or_not_at_all(site):
    before = {kind: count for kind, count in site.rows().items() if kind not in ("tombstone", "ended-token", "schedule")}
    for i, milliseconds in enumerate((0, 2, 4, 6, 8, 10, 13, 16, 20, 30, 60)):
        name = f"cut-{i}"
        site.create(name)
        master = site.member(name, "masters", "127.0.2.1")
        deleting = threading.Thread(target=lambda: site.muster("cluster", "delete", name, check=False))
        deleting.start()
        time.sleep(milliseconds / 1000)
        site.stop_server(signal.SIGKILL)
        deleting.join()
        site.start_server()
        is_there = any(row["name"] == name for row in site.json("cluster", "list")["clusters"])
        status, answer = master.ask("GET", "/v1/document")
        assert status == 200 and (answer["payloadType"] == TOMBSTONE) != is_there, (milliseconds, answer)
        if is_there:
            site.muster("cluster", "delete", name)
        assert master.ask("GET", "/v1/document")[1]["payloadType"] == TOMBSTONE
    after = {kind: count for kind, count in site.rows().items() if kind not in ("tombstone", "ended-token", "schedule")}
    assert after == before


def test_older_rows_of_the_audit_are_in_files(site):
    site.create("noisy")
    while len(ids := [row["id"] for row in site.json("audit", "--limit", "10000")["rows"]]) < 120:
        site.muster("token", "create", "--cluster", "noisy", "--pool", "workers")
    assert "older rows" not in site.muster("audit").stdout
    site.server_settings["audit"] = {"rowsInStore": 100}
    site.stop_server()
    site.start_server()  # it looks at its start, then every hour
    site.wait_for("the audit to be rotated", lambda: site.json("audit", "--limit", "1")["olderFiles"] == 1, 10)
    answer = site.json("audit", "--limit", "10000")
    (name,) = os.listdir(answer["olderFolder"])
    with gzip.open(os.path.join(answer["olderFolder"], name), "rt") as stream:
        older = [json.loads(line)["id"] for line in stream]
    young = [row["id"] for row in answer["rows"]]
    # In a file by the clock, from the store in the order of writing: two of one moment may differ.
    assert older == sorted(older) and sorted(older + young) == sorted(ids) and len(young) == 100
    assert "older rows: 1 file(s) in " in site.muster("audit", "--limit", "1").stdout
    assert os.stat(os.path.join(answer["olderFolder"], name)).st_mode & 0o777 == 0o600
