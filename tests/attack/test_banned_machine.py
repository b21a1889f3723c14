"""A ban holds on connections that are open already, and no TLS session outlives it."""
import json
import socket
import ssl

import pytest


def connect(site, machine, session=None):
    context = connect.context
    if context is None:
        context = connect.context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(machine.certificate, machine.key)
    raw = socket.create_connection((site.ADDRESS, site.ports["node"]), timeout=5)
    return context.wrap_socket(raw, session=session)


connect.context = None  # a session may be resumed in the context that it was made in alone


def get_document(connection):
    connection.sendall(b"GET /v1/document HTTP/1.1\r\nHost: muster\r\n\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, body = answer.split(b"\r\n\r\n", 1)
    length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")).split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1]), json.loads(body)


@pytest.fixture
def banned(site):
    machine = site.enrolled("n1", "node", 21)
    open_connection = connect(site, machine)
    assert get_document(open_connection)[0] == 200
    site.muster("ban", "n1", "--cluster", "lab")
    yield machine, open_connection
    open_connection.close()
    site.muster("unban", "n1", "--cluster", "lab")


def test_an_open_connection_is_refused_at_once(site, banned):
    status, answer = get_document(banned[1])
    assert (status, answer["kind"]) == (403, "banned")


def test_there_is_no_session_to_resume(site, banned):
    machine, open_connection = banned
    session = open_connection.session
    assert session is not None and not session.has_ticket
    again = connect(site, machine, session)
    assert not again.session_reused
    status, answer = get_document(again)
    assert (status, answer["kind"]) == (403, "banned")
    again.close()
