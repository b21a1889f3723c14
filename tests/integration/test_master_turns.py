"""`muster node converge` of three masters at once, through the real programs and a server that is killed on the way."""
import signal
import time

import pytest

from small_releases import import_small_releases
from small_template import set_small_template
from test_on_demand import Site, created

PORTS = {"boot": 18481, "enrol": 18845, "node": 18846, "metrics": 19581}
MASTERS = ("m-1", "m-2", "m-3")


class Machines:
    """Three masters and a node that report as agents do."""

    def __init__(self, site, tmp_path):
        self.site, self.counter = site, 0
        files = created(site, tmp_path, "lab", "--masters", "3", "--nodes", "1")
        self.machines = {}
        started = {f"127.0.2.{i}": files[f"lab-master-{i}.yaml"] for i in (1, 2, 3)}
        for source, user_data in started.items():
            self.enrol(source, user_data)
        for source, user_data in {**started, "127.0.3.1": files["lab-nodes.yaml"]}.items():
            machine, status, answer = self.enrol(source, user_data)
            assert status == 200, answer
            self.machines[answer["node"]] = machine
        assert sorted(self.machines) == [*MASTERS, "w-1"]
        for name in self.machines:
            assert not self.hears(name, "pending-changes")

    def enrol(self, source, user_data):
        """Nobody is served before all masters are there, so that they ask twice."""
        return self.site.enrol("lab", source, source, user_data)

    def hears(self, name, verdict):
        """Whether the answer to this report gives the machine its turn."""
        self.counter += 1
        member = name[2:] if name in MASTERS else ""
        body = {"machineId": name, "bootId": name, "counter": self.counter, "agentVersion": "1", "documentDigest": "", "generation": 99,
                "verdict": verdict, "failureClass": "", "message": "", "offline": False,
                "pending": ["etcd.service: restart: x"] if verdict == "pending-changes" else [], "phases": [],
                "etcdClusterId": "c1" if member else "", "etcdMemberId": f"e{member}" if member else "", "sentAt": int(time.time())}
        status, answer = self.machines[name].ask("POST", "/v1/report", body)
        assert status == 200, answer
        return answer["converge"]

    def turns(self):
        rows = self.site.json("node", "list", "--cluster", "lab")["nodes"]
        return {row["node"]: row["turn"]["state"] for row in rows if row["turn"]}


@pytest.fixture
def machines(tmp_path):
    site = Site(str(tmp_path / "site"))
    site.ports = PORTS
    site.start_server()
    try:
        import_small_releases(site)
        set_small_template(site)
        yield Machines(site, tmp_path)
    finally:
        site.stop_server()


def test_masters_hear_of_it_one_after_the_other_across_a_killed_server(machines):
    site = machines.site
    ordered = site.muster("node", "converge", *MASTERS, "w-1", "--cluster", "lab").stdout.splitlines()
    assert ordered == ["lab/m-1: ordered; it takes its turn at its next poll", "lab/m-2: ordered; it waits for its turn: m-1 has the turn",
                       "lab/m-3: ordered; it waits for its turn: m-1 has the turn", "lab/w-1: ordered; it takes its turn at its next poll"]
    assert machines.hears("w-1", "pending-changes")
    assert not machines.hears("m-2", "pending-changes")
    site.stop_server(signal.SIGKILL)
    site.start_server()
    assert machines.turns() == {"m-1": "holds", "m-2": "waits", "m-3": "waits"}
    assert machines.hears("m-1", "pending-changes")
    site.stop_server(signal.SIGKILL)  # whether the answer arrived, nobody knows
    site.start_server()
    assert machines.hears("m-1", "pending-changes")
    assert not machines.hears("m-1", "converging")
    assert not machines.hears("m-3", "pending-changes")
    assert not machines.hears("m-2", "pending-changes"), "whoever has the turn next has reported since the start"
    assert not machines.hears("m-1", "converged")
    site.stop_server(signal.SIGKILL)
    site.start_server()
    assert not machines.hears("m-1", "converged")
    assert machines.turns() == {"m-2": "holds", "m-3": "waits"}
    assert "lab: m-2 has the turn since" in site.muster("status").stdout

    assert machines.hears("m-2", "pending-changes")
    assert not machines.hears("m-2", "failed")
    assert not machines.hears("m-3", "pending-changes")
    assert not machines.hears("m-2", "failed"), "one that failed in its turn is not sent into it again and again"
    assert "turn         waits since" in site.muster("node", "show", "m-3", "--cluster", "lab").stdout
    # A person ends the turn. m-2 is still down, so that a quorum has nobody to spare.
    site.muster("node", "converge", "m-2", "--cancel", "--cluster", "lab")
    assert not machines.hears("m-3", "pending-changes")
    shown = site.muster("node", "show", "m-3", "--cluster", "lab").stdout
    assert "m-2 (failed): of etcd's 3 members 1 others are up, a quorum is 2" in shown, shown
    assert not machines.hears("m-2", "pending-changes")
    assert machines.hears("m-3", "pending-changes")
    assert not machines.hears("m-3", "converged")
    assert machines.turns() == {}
    refused = site.muster("node", "converge", "m-3", "--cancel", "--cluster", "lab", check=False)
    assert refused.returncode and "expected an ordered converge to cancel, found none" in refused.stderr
    audit = site.muster("audit").stdout
    for row in ("turn-granted", "turn-ended", "converge-cancelled", "converge-ordered"):
        assert row in audit, row
