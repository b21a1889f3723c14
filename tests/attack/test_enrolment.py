"""Tokens, proofs and requests that ask for more than the inventory gives."""
import base64
import json
import time

import pytest

from conftest import mac
from metadata_machine import openssl


def subject(path):
    return openssl("x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253").decode()


def test_subject_authority_and_names_of_a_request_are_ignored(site):
    greedy = site.machine("n2")
    csr = greedy.csr("/O=system:masters/CN=m1", "basicConstraints=critical,CA:TRUE", "subjectAltName=DNS:kubernetes,IP:10.96.0.1")
    status, answer = greedy.enrol(site.token("node"), mac(22), csr)
    assert status == 200, answer
    assert answer["node"] == "n2"
    text = openssl("x509", "-in", greedy.certificate, "-noout", "-text").decode()
    assert "system:masters" not in text and "CA:TRUE" not in text and "10.96.0.1" not in text
    assert "CN=n2" in subject(greedy.certificate)


def test_component_certificates_follow_the_document(site):
    machine = site.enrolled("n1", "node", 21)
    csr = machine.csr("/O=system:masters/CN=admin", "subjectAltName=DNS:evil")
    status, answer = machine.ask("POST", "/v1/certificates", {"requests": [{"name": "kubelet-client", "csr": csr}]})
    assert status == 200, answer
    text = openssl("x509", "-noout", "-text", data=answer["certificates"][0]["certificate"].encode()).decode()
    assert "CN = system:node:n1" in text and "system:masters" not in text and "evil" not in text
    status, _ = machine.ask("POST", "/v1/certificates", {"requests": [{"name": "kube-apiserver", "csr": csr}]})
    assert status in (403, 404)


def test_a_nodes_token_does_not_make_a_master(site):
    thief = site.machine("thief")
    status, answer = thief.enrol(site.token("node"), mac(11))
    assert status == 403, answer


def test_a_token_is_used_up(site):
    token = site.token("node")
    assert site.machine("n3").enrol(token, mac(23))[0] == 200
    status, answer = site.machine("again").enrol(token, mac(24))
    assert status in (401, 403, 429), answer


@pytest.mark.long  # the shortest lifetime of a token is a minute
def test_an_expired_token_is_refused(site):
    made = json.loads(site.muster("token", "create", "--cluster", "lab", "--role", "node", "--ttl", "60s", "-o", "json").stdout)
    time.sleep(61)
    status, answer = site.machine("late").enrol(made["token"], mac(24))
    assert status in (401, 403), answer


def test_a_second_key_for_a_live_name_changes_nothing(site):
    site.enrolled("n1", "node", 21)
    status, answer = site.machine("double").enrol(site.token("node"), mac(21))
    assert status == 409, answer
    assert site.enrolled("n1", "node", 21).ask("GET", "/v1/document")[0] == 200
    assert "n1" in str(site.audit())


def test_a_captured_request_is_not_taken_twice(site):
    machine = site.machine("replay")
    body = machine.enrol_body(site.token("node"), mac(24))
    first, answer = machine.request(site.ports["enrol"], "POST", "/v1/enrol", body)
    assert first == 200, answer
    second, answer = machine.request(site.ports["enrol"], "POST", "/v1/enrol", body)
    assert second in (400, 401, 403, 409), answer


def test_a_proof_of_another_key_is_refused(site):
    victim, thief = site.machine("victim"), site.machine("proof-thief")
    body = thief.enrol_body(site.token("node"), mac(24))
    body["csr"] = victim.csr()
    status, answer = thief.request(site.ports["enrol"], "POST", "/v1/enrol", body)
    assert status in (400, 401, 403), answer
    body = thief.enrol_body(site.token("node"), mac(24))
    body["nonce"] = base64.b64encode(b"0" * 32).decode()
    assert thief.request(site.ports["enrol"], "POST", "/v1/enrol", body)[0] in (400, 401, 403)
