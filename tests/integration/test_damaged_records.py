"""Records that rot on a real server's disk, one of each kind that an operator hears of: status names it with its cure, and the cure,
carried out while the server runs, ends it. What costs nothing is in tests/unit/http/damaged_records_test.cpp, what rots under a
server that runs too."""
import contextlib
import json
import os
import sqlite3

import pytest

from local_cluster import LocalCluster
from metadata_machine import Machine, openssl
from sanitizers import sanitizer_reports
from small_releases import import_small_releases, write_small_releases
from small_template import TEMPLATE, set_small_template
from waiting import Failure

CLUSTER = """apiVersion: muster/v1
kind: Cluster
metadata: {name: %s}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.%d.0.0/16, serviceCidr: 10.%d.0.0/16, nodeCidr: 10.77.0.0/16}
"""
NODE = """---
apiVersion: muster/v1
kind: Node
metadata: {name: %s}
spec: {cluster: %s, role: %s, address: 10.77.0.%d, match: {mac: ["02:4d:55:00:00:%02x"]}}
"""
LAB = CLUSTER % ("lab", 64, 96) + NODE % ("m1", "lab", "master", 11, 11) + NODE % ("n1", "lab", "node", 21, 21)
OTHER = CLUSTER % ("other", 65, 97) + NODE % ("o1", "other", "master", 31, 31)
POOLS = TEMPLATE.replace("small", "pools").replace("10.64.", "10.66.").replace("10.96.", "10.98.")
DAMAGE = b'{"broken'


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19680, "enrol": 19943, "node": 19944, "metrics": 19690})

    def folder(self, name, text):
        folder = os.path.join(self.state, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name + ".yaml"), "w", encoding="ascii") as out:
            out.write(text)
        return folder

    @contextlib.contextmanager
    def store(self):
        """A server that runs lets nobody else in."""
        self.stop_server()
        with contextlib.closing(sqlite3.connect(os.path.join(self.state, "server", "state.sqlite"), isolation_level=None)) as store:
            yield store

    def damage(self, kind, key):
        """Of `kind`, or the newest of it; its key, and what was there, to be put back."""
        with self.store() as store:
            key = key or max(one for (one,) in store.execute("SELECT key FROM records WHERE kind = ?", (kind,)))
            found = store.execute("SELECT value, version FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
            store.execute("INSERT OR REPLACE INTO records(kind, key, value, version) VALUES(?, ?, ?, ?)", (kind, key, DAMAGE, found[1] if found else 1))
        return key, found

    def put_back(self, kind, key, found):
        with self.store() as store:
            if found:
                store.execute("UPDATE records SET value = ?, version = ? WHERE kind = ? AND key = ?", (*found, kind, key))
            else:
                store.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))
        self.start_server()

    def told(self):
        """The cures that status has for what cannot be read."""
        status = json.loads(self.muster("status", "-o", "json").stdout)
        cures = [row["cure"] for field in ("quarantined", "unreadRecords") for row in status[field]]
        cures += [row["unread"]["cure"] for row in status["clusters"] if "unread" in row]
        return cures + ["muster release import" for row in status["incompleteReleases"] if "unread" in row]

    def machine(self, name, source=None):
        return Machine(os.path.join(self.state, "machines"), name, "127.0.0.1", (self.ports["enrol"], self.ports["node"]), source)

    def enrol(self, name, role):
        made = self.muster("token", "create", "--cluster", "lab", "--node", name, "--role", role, "-o", "json")
        return self.machine(name).enrol(json.loads(made.stdout)["token"])


@pytest.fixture(name="site", scope="module")
def a_site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("site")))
    try:
        site.start_server()
        import_small_releases(site)
        set_small_template(site)
        site.muster("apply", site.folder("lab", LAB))
        site.muster("secret", "set", "db", "--cluster", "lab", "--file", os.path.join(site.folder("db", "x"), "db.yaml"))
        site.muster("apply", site.folder("other", OTHER))
        site.muster("apply", site.folder("pools", POOLS))
        for name, role in (("m1", "master"), ("n1", "node")):
            assert site.enrol(name, role)[0] == 200
        for name, pool, source in (("m-1", "masters", "127.0.2.1"), ("w-1", "workers", "127.0.3.1")):
            made = site.muster("token", "create", "--cluster", "pools", "--pool", pool, "-o", "json")
            status, answer = site.machine(name, source).enrol(json.loads(made.stdout)["token"])
            assert status == 200, answer
        assert site.told() == []
        yield site
    finally:
        site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def add_operator(site):
    anna = site.machine("anna")
    request = os.path.join(anna.folder, "csr.pem")
    openssl("req", "-new", "-key", anna.key, "-subj", "/CN=anna", "-out", request)
    site.muster("operator", "add", "anna", "--csr", request)


# kind, key, how its cure begins, its command (none: the server does it by itself).
CURED = [
    ("token", None, "muster token revoke", "muster token revoke {key}"),
    ("template", "small", "muster template set small DIR", "muster template set small {state}/template"),
    ("operator", "anna", "muster operator revoke anna", "muster operator revoke anna"),
    ("secret", "lab/db/000000000001", "muster secret set db --cluster lab", "muster secret remove db --cluster lab"),
    ("drain", "lab/n1", "muster node undrain n1 --cluster lab", "muster node undrain n1 --cluster lab"),
    ("turn", "lab", "muster node converge MASTER --cluster lab --cancel", "muster node converge m1 --cluster lab --cancel"),
    ("sealed", "lab", "muster restore open lab --unheard", "muster restore open lab --unheard"),
    ("machine", "lab/n1", "muster ban n1 --cluster lab", "muster ban n1 --cluster lab"),
    ("document", "lab/n1", "the server writes them anew by itself", None),
    ("peers", "lab", "the server writes them anew by itself", None),
    ("revision", "lab/000000000001", "correct its inventory until `muster validate DIR` accepts it, then `muster apply DIR`", "muster apply {state}/lab"),
    ("release", "pause/3.10.2", "muster release import", "muster release import {state}/again/pause"),
    ("member", "pools/w-1", "of a member that is named here, NAME: muster node remove NAME --cluster pools", "muster node remove w-1 --cluster pools --no-drain"),
]


@pytest.mark.parametrize("kind, key, begins, cure", CURED, ids=[row[0] for row in CURED])
def test_what_rots_is_told_and_its_cure_works_while_the_server_runs(site, kind, key, begins, cure):
    if kind == "operator":
        add_operator(site)
    if kind == "release":
        write_small_releases(os.path.join(site.state, "again"))
    if kind == "token":
        site.muster("token", "create", "--cluster", "lab", "--role", "node")
    key, _ = site.damage(kind, key)
    site.start_server()
    told = site.told()
    if cure or told:  # what the server cures by itself it may have cured already
        assert len(told) == 1 and told[0].startswith(begins), told
    if kind != "release":  # which the others run too; nobody else feels it else
        site.muster("ban", "o1", "--cluster", "other", "--reason", "stolen")
        site.muster("unban", "o1", "--cluster", "other")
    if cure:
        site.muster(*cure.format(key=key, state=site.state).split()[1:])
    site.wait_for("the cure to be in effect", lambda: site.told() == [], 15)
    if kind == "machine":
        site.muster("unban", "n1", "--cluster", "lab")
        assert site.enrol("n1", "node")[0] == 200


# Nothing takes their place: what was there is put back, as from a backup.
RESTORED = [("site-key", None), ("authority", "lab/kubernetes"), ("cluster", "lab"), ("schedule", "garbage"),
            ("secret", "lab/encryption-configuration/000000000001")]
WITHOUT = [("site", "settings"), ("site", "epoch"), ("document-key", None), ("authority", "-/machines")]


def name_of(row):
    return "-".join(filter(None, row)).replace("/", "-")


@pytest.mark.parametrize("kind, key", RESTORED, ids=map(name_of, RESTORED))
def test_what_nothing_takes_the_place_of_is_told_and_machines_are_served(site, kind, key):
    key, before = site.damage(kind, key)
    try:
        site.start_server()
        told = site.told()
        assert len(told) == 1 and told[0].startswith("restore the database from a backup of before"), told
        assert site.machine("n1").ask("GET", "/v1/document")[0] == 200
    finally:
        site.put_back(kind, key, before)
    assert site.told() == []


@pytest.mark.parametrize("kind, key", WITHOUT, ids=map(name_of, WITHOUT))
def test_without_the_sites_own_records_no_server_starts_and_it_says_what_to_do(site, kind, key):
    key, before = site.damage(kind, key)
    try:
        with pytest.raises(Failure, match="nothing is served without that record: restore the site from a backup, muster-server restore FILE"):
            site.start_server()
    finally:
        site.put_back(kind, key, before)
    assert site.told() == []


def test_a_parse_error_of_any_command_says_where_to_read_on(site):
    helped = site.muster("--help").stdout
    commands = [line.split()[0] for line in helped.split("SUBCOMMANDS:")[-1].splitlines() if line.startswith("  ") and line.split() and line.split()[0].isalpha()]
    assert len(commands) > 15, helped
    for command in commands:
        wrong = site.muster(command, "--no-such-option", check=False)
        assert wrong.returncode == 2 and " --help" in wrong.stderr, (command, wrong.stderr)
