"""A machine of a sealed cluster may show megabytes that nobody signed, again and again: nobody else waits for a worker behind it."""
import json
import os
import select
import shutil
import socket
import ssl
import threading
import time

import pytest

from local_cluster import call

pytestmark = pytest.mark.release_build  # under AddressSanitizer one such upload takes a worker for ten seconds and more

UPLOADERS, SECONDS = 8, 6
NETWORKS = 14  # of which each uploads at once, all together below the 64 MiB that a listener holds


def seal(site):
    """As after a fire: an older copy of the store, taken in."""
    folder, kept = os.path.join(site.state, "server"), os.path.join(site.state, "kept")
    site.stop_server()
    shutil.copytree(folder, kept)
    site.start_server()
    site.stop_server()
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    call(site.program("muster-server"), "--settings", os.path.join(site.state, "server.json"), "take-copy")
    site.start_server()


def enrols(site, name, seconds):
    """Seconds that each took that was answered by a worker, of somebody without a token."""
    took, end, stranger = [], time.monotonic() + seconds, site.machine(name, "127.9.1.1")
    body = stranger.enrol_body()
    while time.monotonic() < end:
        began = time.monotonic()
        status, answer = stranger.request(site.ports["enrol"], "POST", "/v1/enrol", body)
        took.append(time.monotonic() - began)
        assert status in (200, 202, 401, 403, 409), answer
        time.sleep(0.05)
    return sorted(took)


def signatures(count):
    """Megabytes of them, none of which leads anywhere."""
    return {"document": {"payload": "", "payloadType": "x", "signatures": [{"keyid": "k", "sig": "AAAA"}] * count}}


def test_uploads_of_what_nobody_signed_keep_no_worker_from_others(own_site):
    site = own_site
    machine = site.enrolled("m1", "master", 11)
    seal(site)
    junk = signatures(120000)
    quiet = enrols(site, "quiet", 2)
    done, statuses = threading.Event(), []

    def upload():
        while not done.is_set():
            statuses.append(machine.request(site.ports["enrol"], "POST", "/v1/held", junk, with_certificate=True)[0])
    threads = [threading.Thread(target=upload) for _ in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    beside = enrols(site, "beside", SECONDS)
    done.set()
    for thread in threads:
        thread.join()
    print(f"enrol: median {quiet[len(quiet) // 2] * 1000:.0f} ms; beside {len(statuses)} uploads: median "
          f"{beside[len(beside) // 2] * 1000:.0f} ms, slowest {beside[-1] * 1000:.0f} ms")
    assert 200 not in statuses and len(statuses) > UPLOADERS, statuses[:5]
    assert beside[-1] < 5


def half_uploaded(machine, port, source, body):
    """All but the last byte of it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(machine.certificate, machine.key)
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10, (source, 0)))
    connection.sendall(f"POST /v1/held HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    return connection


def test_an_enrolment_waits_for_no_uploads_of_other_networks(own_site):
    """Each network has its turn, and so these had all of them before anybody else had one."""
    site = own_site
    machine = site.enrolled("m1", "master", 11)
    seal(site)
    body = json.dumps(signatures(140000)).encode()
    stranger = site.machine("beside", "127.9.1.1")
    enrolment = stranger.enrol_body()
    uploads = [half_uploaded(machine, site.ports["enrol"], f"127.8.{network}.1", body) for network in range(NETWORKS)]
    time.sleep(1)
    for upload in uploads:
        upload.sendall(body[-1:])
    status, answer = stranger.request(site.ports["enrol"], "POST", "/v1/enrol", enrolment)
    answered = len(select.select(uploads, [], [], 0)[0])
    assert status == 202, answer
    told = [upload.recv(64).split(b"\r\n")[0] for upload in uploads]
    print(f"answered before the enrolment: {answered} of {NETWORKS} uploads; {told[0].decode()}")
    assert set(told) == {told[0]} and b" 4" in told[0], told
    assert answered < NETWORKS / 2
