"""The agent and a server that was restored at the second of the addresses that machines know."""
import json
import os
import shutil
import signal

from local_cluster import call
from older_site import PORTS, OlderSite

FIRST, SECOND = "127.0.0.1", "127.0.0.2"


def heard(site):
    (row,) = json.loads(site.muster("restore", "status", "-o", "json").stdout)["clusters"]
    return {machine["node"]: machine for machine in row["heard"]}


def test_a_machine_shows_what_it_holds_and_follows_once_its_cluster_is_open(tmp_path):
    site = OlderSite(str(tmp_path / "site"))
    site.server_settings = {"advertise": [FIRST, SECOND]}
    os.makedirs(site.state)
    key, backup = str(tmp_path / "recovery.key"), str(tmp_path / "muster.backup")
    try:
        site.publish()
        site.muster("backup", "key", "new", "--out", key)
        site.muster("backup", backup)
        pin = site.site_pin()
        for name in ("m1", "n1"):
            site.run_agent(site.program("muster-agent"), "plan", name)
        site.stop_server(signal.SIGKILL)
        shutil.rmtree(os.path.join(site.state, "server"))

        site.server_settings = {"advertise": [SECOND], **{name: {"listen": f"{SECOND}:{PORTS[name]}"} for name in ("boot", "enrol", "node")}}
        call(site.program("muster-server"), "--settings", site.write_settings(), "restore", backup, "--pin", pin, "--key", key)
        site.start_server()
        done = site.run_agent(site.program("muster-agent"), "plan", "m1")
        assert "enrol" not in done["err"], done["err"]
        (machine,) = heard(site).values()
        assert (machine["node"], machine["master"], machine["refused"]) == ("m1", True, []), machine
        assert machine["generation"] == machine["peersGeneration"] == machine["trustVersion"] == 1, machine
        # It was let in after the backup: its identity waits for an approval.
        opened = site.muster("restore", "open", "lab").stdout
        assert "m1: the backup does not know its identity: it asks again, see muster pending" in opened, opened
    finally:
        site.stop_server()
