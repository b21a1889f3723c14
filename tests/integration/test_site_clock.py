"""A server whose clock is wrong: set ahead and back while it runs, and at its start. The server alone is told another time
(libfaketime): the boot clock, and everybody else's clocks, stay as they are."""
import json
import os
import sqlite3
import ssl
import time
import urllib.request

import pytest
from local_cluster import LocalCluster
from metadata_machine import Machine, openssl
from small_releases import import_small_releases
from small_template import set_small_template

# MT: the other one's threads read its file's name while one of them writes it, and are told the right time.
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
DAY = 24 * 3600

pytestmark = pytest.mark.release_build


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19380, "enrol": 19743, "node": 19744, "metrics": 19490})
        self.time = os.path.join(state, "time")
        os.makedirs(state, exist_ok=True)
        self.set_by(0)

    def set_by(self, seconds):
        """The server's wall clock, from now on: so far from the right time."""
        with open(self.time + ".new", "w", encoding="ascii") as out:
            out.write(f"{seconds:+d}\n")
        os.rename(self.time + ".new", self.time)

    def start_server(self):
        told = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.time, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        os.environ.update(told)
        try:
            super().start_server()
        finally:
            for name in told:
                del os.environ[name]

    def json(self, *arguments):
        return json.loads(self.muster(*arguments, "-o", "json").stdout)

    def clock(self):
        return self.json("status")["clock"]

    def clusters(self):
        return sorted(row["name"] for row in self.json("cluster", "list")["clusters"])

    def is_certificate_valid(self):
        """What the enrol listener shows, now and by the right clock."""
        shown = ssl.get_server_certificate(("127.0.0.1", self.ports["enrol"]))
        lines = openssl("x509", "-noout", "-dates", data=shown.encode()).decode().splitlines()
        begins, ends = (ssl.cert_time_to_seconds(line.split("=")[1]) for line in lines)
        return begins <= time.time() <= ends

    def last_time_was(self, seconds_ago):
        """In the store of a server that stands still."""
        store = sqlite3.connect(os.path.join(self.state, "server", "state.sqlite"))
        with store:
            value = json.dumps({"time": int(time.time()) - seconds_ago}, separators=(",", ":")).encode()
            assert store.execute("update records set value = ? where kind = 'site' and key = 'clock'", (value,)).rowcount == 1
        store.close()

    def machines(self, cluster, count, before=lambda: None):
        """`before`: what happens between their tokens, which are good for days, and their enrolment."""
        made = []
        tokens = [self.json("token", "create", "--cluster", cluster, "--pool", "workers" if i else "masters", "--ttl", "5d")["token"] for i in range(count)]
        before()
        for i in range(count):
            source = f"127.0.{2 if i == 0 else 3}.{10 * ('one', 'two', 'three').index(cluster) + i + 1}"
            machine = Machine(os.path.join(self.state, "machines"), f"{cluster}-{i}", "127.0.0.1", (self.ports["enrol"], self.ports["node"]), source)
            status, answer = machine.enrol(tokens[i])
            assert status == 200, answer
            made.append(machine)
        return made


def report(machine, off):
    """Its first; its clock is so far from the right time."""
    body = {"machineId": machine.name, "bootId": "b", "counter": 1, "agentVersion": "0.3.0", "documentDigest": "", "fetchedDigest": "", "pendingDigest": "",
            "generation": 0, "verdict": "converging", "failureClass": "", "message": "", "offline": False, "pending": [], "phases": [], "etcdClusterId": "",
            "etcdMemberId": "", "sentAt": int(time.time()) + off}
    status, answer = machine.ask("POST", "/v1/report", body)
    assert status == 200, answer


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(str(tmp_path_factory.mktemp("clock")))
    site.start_server()
    import_small_releases(site)
    set_small_template(site)
    for name in ("one", "two", "three"):
        site.json("cluster", "create", name, "--template", "small", "--ttl", "30d")
    site.enrolled = site.machines("three", 1)[0]
    yield site
    site.stop_server()


@pytest.mark.parametrize("days", [31, -31, 1, -1])
def test_a_clock_that_is_set_for_five_seconds_destroys_nothing(site, days):
    site.set_by(days * DAY)
    site.wait_for("the status to tell", lambda: not site.clock()["believed"], 5)
    told = site.clock()
    assert abs(told["lead"] - days * DAY) < 60 and "was set while the server ran" in told["message"], told
    text = site.muster("status").stdout
    assert "cure: put the clock right, or, if it is right now, run `muster clock confirm`" in text, text
    time.sleep(3)
    assert site.clusters() == ["one", "three", "two"]
    # An identity's life is three days: whatever the clock says, nobody is shut out by it.
    assert site.enrolled.ask("GET", "/v1/document")[0] == 200
    # The operator's own clock is right: what is wrong is not confirmed.
    refused = site.muster("clock", "confirm", check=False)
    assert refused.returncode != 0 and "expected this server's within 300 s of yours" in refused.stderr
    site.set_by(0)
    site.wait_for("the clock to be believed", lambda: site.clock()["believed"], 5)
    site.wait_for("a certificate that is valid now", site.is_certificate_valid, 5)
    assert site.clusters() == ["one", "three", "two"]


def test_an_identity_of_a_clock_that_was_ahead_is_good_when_it_is_right(site):
    def clock_goes_ahead():
        site.set_by(2 * DAY)
        site.wait_for("the status to tell", lambda: not site.clock()["believed"], 5)
    machine = site.machines("one", 1, before=clock_goes_ahead)[0]
    site.set_by(0)
    site.wait_for("the clock to be believed", lambda: site.clock()["believed"], 5)
    site.wait_for("a certificate that is valid now", site.is_certificate_valid, 5)
    assert machine.ask("GET", "/v1/document")[0] == 200


def test_started_forty_days_ahead_then_put_right(site):
    site.stop_server()
    site.set_by(40 * DAY)
    site.start_server()
    told = site.clock()
    assert not told["believed"] and "ahead of the last time that is known to this site" in told["message"], told
    assert not site.is_certificate_valid()
    time.sleep(2)
    assert site.clusters() == ["one", "three", "two"]
    site.set_by(0)
    site.wait_for("a certificate that is valid now", site.is_certificate_valid, 5)
    assert site.clock()["believed"]
    assert site.clusters() == ["one", "three", "two"]


def test_an_operator_confirms_a_step_that_is_real(site):
    site.stop_server()
    site.last_time_was(2 * DAY)
    site.start_server()
    assert not site.clock()["believed"]
    assert "in doubt" in site.muster("clock", "show").stdout
    assert "believed" in site.muster("clock", "confirm").stdout
    assert site.clock()["believed"]
    rows = [row for row in site.json("audit", "--limit", "10000")["rows"] if row["action"] == "clock-confirmed"]
    assert [row["actor"] for row in rows] == ["operator root"]
    with urllib.request.urlopen(f"http://127.0.0.1:{site.ports['metrics']}/metrics") as answer:
        metrics = answer.read().decode()
    assert "muster_clock_believed 1" in metrics and 'muster_background_task_failures_in_row{task="clock"} 0' in metrics, metrics
    assert site.clusters() == ["one", "three", "two"]


def test_a_month_without_a_server_is_believed_by_its_machines(site):
    machines = site.machines("two", 5)
    site.stop_server()
    site.set_by(31 * DAY)
    site.start_server()
    for count, machine in enumerate(machines[:2], 1):
        report(machine, 31 * DAY)
        told = site.clock()
        assert (told["believed"], told["agreeing"], told["differing"]) == (False, count, 0), told
    report(machines[2], 0)
    assert (site.clock()["believed"], site.clock()["differing"]) == (False, 1)
    assert site.clusters() == ["one", "three", "two"], "their end has come, by a clock that nobody vouches for"
    report(machines[3], 31 * DAY)
    assert site.clock()["believed"]
    # A background task that failed waits for five seconds, one of its rows for thirty.
    tasks = []
    try:
        site.wait_for("the ends in due course", lambda: tasks.append(site.json("status")["backgroundTasks"]) or site.clusters() == [], 40)
    finally:
        print([task for task in tasks[-1] if task["failures"]])
