"""Every route without a certificate: nothing but the public bytes and the door itself."""
import http.client
import json
import os
import ssl

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def routes():
    with open(os.path.join(REPOSITORY, "metadata-server/http/openapi.json"), encoding="utf-8") as stream:
        paths = json.load(stream)["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item if method in ("get", "post", "put", "delete")]


def concrete(path):
    return path.replace("{digest}", "sha256:" + "0" * 64).replace("{", "x").replace("}", "x")


def test_the_node_listener_ends_the_handshake(site):
    stranger = site.machine("stranger")
    for method, path in routes():
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            stranger.request(site.ports["node"], method, concrete(path), {})


def test_a_foreign_authority_ends_the_handshake(site):
    from metadata_machine import openssl
    stranger = site.machine("foreign")
    openssl("req", "-x509", "-key", stranger.key, "-subj", "/O=muster:operator/CN=root", "-days", "1", "-out", stranger.certificate)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
        stranger.ask("GET", "/v1/document")


def test_the_enrol_listener_serves_its_own_routes_alone(site):
    stranger = site.machine("stranger")
    open_routes = {("GET", "/v1/trust"), ("POST", "/v1/nonce"), ("POST", "/v1/enrol"), ("POST", "/v1/recover")}
    for method, path in routes():
        if (method, path) in open_routes or path in ("/healthz", "/readyz"):
            continue
        status, answer = stranger.request(site.ports["enrol"], method, concrete(path), {})
        assert status in (401, 403, 404, 405), (method, path, status)
        assert "PRIVATE KEY" not in json.dumps(answer, default=str)


def test_the_boot_listener_serves_public_bytes_alone(site):
    for method, path in routes():
        connection = http.client.HTTPConnection(site.ADDRESS, site.ports["boot"], timeout=5)
        connection.request(method, concrete(path), "{}" if method != "GET" else None)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if path == "/healthz":
            continue
        if path in ("/boot.ipxe", "/ipxe"):  # scripts that ask whose machine it is; no claim is in one
            assert answer.status == 200 and body.startswith(b"#!ipxe\n") and b"muster1." not in body, (path, body)
            continue
        if path == "/boot/failure":  # noted for people, and no more
            assert (answer.status, body) == (200, b""), (path, answer.status, body)
            continue
        # 413: a body where none is taken.
        assert answer.status in (400, 403, 404, 405, 413), (method, path, answer.status, body)
