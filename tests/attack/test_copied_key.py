"""Whoever copied a machine's key and certificate may renew; the machine's own next call tells on him."""
import json
import shutil
import time


def renew(thief, fresh):
    """A new certificate for `fresh`'s key by the identity that `thief` holds."""
    _, answer = thief.ask("POST", "/v1/nonce", {})
    csr = fresh.csr()
    body = {"nonce": answer["nonce"], "csr": csr, "proof": fresh.proof("recover", answer["nonce"], csr),
            "hints": {"macs": [], "uuid": "", "serial": "", "hostname": "", "machineId": "", "bootId": ""}}
    status, answer = thief.ask("POST", "/v1/identity", body)
    if status == 200:
        with open(fresh.certificate, "w", encoding="ascii") as out:
            out.write(answer["certificate"])
    return status, answer


def rows(site, action):
    return [row for row in site.audit()["rows"] if row["action"] == action]


def test_the_owner_freezes_what_the_thief_renewed(site):
    owner = site.enrolled("n5", "node", 25)
    thief, fresh = site.machine("thief"), site.machine("thief-fresh")
    shutil.copy(owner.key, thief.key)
    shutil.copy(owner.certificate, thief.certificate)
    assert renew(thief, fresh)[0] == 200
    assert fresh.ask("GET", "/v1/document")[0] == 200
    status, answer = owner.ask("GET", "/v1/document")
    assert (status, answer["kind"]) == (403, "frozen"), answer
    assert "muster node unfreeze n5 --keep sha256:" in answer["message"]
    assert renew(fresh, thief)[1]["kind"] == "frozen"
    assert [row["subject"] for row in rows(site, "frozen")] == ["lab/n5"]
    assert "lab/n5: frozen: key sha256:" in site.muster("status").stdout
    keep = answer["message"].split("--keep ")[1].split("`")[0]
    site.muster("node", "unfreeze", "n5", "--cluster", "lab", "--keep", keep)
    assert owner.ask("GET", "/v1/document")[0] == 200
    status, answer = fresh.ask("GET", "/v1/document")
    assert (status, answer["kind"]) == (403, "superseded"), answer
    assert owner.ask("GET", "/v1/document")[0] == 200


def test_guesses_and_refused_calls_leave_few_rows(site):
    before = len(site.audit()["rows"])
    guesser = site.machine("guesser", "127.0.9.9")
    for _ in range(30):
        status, answer = guesser.enrol("muster1.0000000000000000.x")
        assert (status, answer["kind"]) == (401, "token_unknown"), answer
    machine = site.enrolled("n1", "node", 21)
    for _ in range(30):
        assert machine.ask("GET", "/v1/operator/audit")[0] == 403
    end = time.monotonic() + 5
    while not [row for row in rows(site, "enrolment-refused") if row["actor"] == "127.0.9.9"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    refused = [row for row in rows(site, "refused") if row["actor"] == "machine lab/n1" and row["subject"] == "GET /v1/operator/audit"]
    assert len(refused) == 1, json.dumps(refused)
    assert len(site.audit()["rows"]) - before < 10
