"""A machine of a sealed cluster may show megabytes that nobody signed, again and again: nobody else waits for a worker behind it."""
import os
import shutil
import threading
import time

from local_cluster import call

UPLOADERS, SECONDS = 8, 6


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


def test_uploads_of_what_nobody_signed_keep_no_worker_from_others(own_site):
    site = own_site
    machine = site.enrolled("m1", "master", 11)
    seal(site)
    # Megabytes of signatures, none of which leads anywhere.
    junk = {"document": {"payload": "", "payloadType": "x", "signatures": [{"keyid": "k", "sig": "AAAA"}] * 120000}}
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
