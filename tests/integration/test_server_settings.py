"""What muster-server says of its settings: every mistake at once, with what was expected and what was found."""
import json
import os
import subprocess

from local_cluster import BUILD

SERVER = os.path.join(BUILD, "metadata-server", "muster-server")


def complaints(tmp_path, **settings):
    path = tmp_path / "server.json"
    path.write_text(json.dumps({"stateDirectory": str(tmp_path / "state"), "advertise": ["127.0.0.1"], **settings}))
    done = subprocess.run([SERVER, "--settings", str(path), "init"], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_an_identity_lives_long_enough_to_be_renewed_and_short_enough_to_matter(tmp_path):
    for minutes in (3, 129601):
        status, text = complaints(tmp_path, identityLifetimeMinutes=minutes)
        assert status != 0
        assert f"/identityLifetimeMinutes: expected 4 to 129600 (90 days), found {minutes}" in text
    assert complaints(tmp_path, identityLifetimeMinutes=4) == (0, "")


def test_all_mistakes_at_once(tmp_path):
    status, text = complaints(tmp_path, advertise=[], logLevel="loud", colour="red")
    assert status != 0
    for expected in ("/advertise: expected at least one address or name under which machines reach this server, found none",
                     "/logLevel: expected trace, debug, info, warn or error, found 'loud'", "/colour"):
        assert expected in text, text


def test_pinned_certificates_are_read_at_start(tmp_path):
    status, text = complaints(tmp_path, awsCertificates="aws")
    assert status != 0 and "/awsCertificates: expected an absolute path, found 'aws'" in text, text
    folder = tmp_path / "aws"
    folder.mkdir()
    (folder / "frankfurt.pem").write_text("x")
    (folder / "eu-west-1.pem").write_text("x")
    assert complaints(tmp_path, awsCertificates=str(folder)) == (0, "")  # init needs none of it
    done = subprocess.run([SERVER, "--settings", str(tmp_path / "server.json")], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode != 0
    assert (f"awsCertificates: refused, 2 problems:\n'{folder}/eu-west-1.pem': expected a certificate in PEM; take that of the region from AWS's "
            f"list for rsa2048 signatures\n'{folder}/frankfurt.pem': expected the name REGION.pem such as eu-central-1.pem; rename or remove it"
            ) in done.stderr + done.stdout, done.stderr + done.stdout


def init(path, output):
    words = [SERVER, "--settings", str(path), "init"]
    done = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_recovery_key_that_may_not_have_been_shown_is_not_the_sites(tmp_path):
    path = tmp_path / "server.json"
    path.write_text(json.dumps({"stateDirectory": str(tmp_path / "state"), "advertise": ["127.0.0.1"]}))
    with open("/dev/full", "w", encoding="ascii") as full:
        assert init(path, full) == (1, None, "muster-server: writing to the standard output: No space left on device; the recovery key may not "
                                             "have been shown, and is not the site's: run init again, which makes another\n")
    read, write = os.pipe()
    os.close(read)
    assert init(path, write)[0] != 0  # ended by the pipe that nobody reads
    os.close(write)
    status, text, _ = init(path, subprocess.PIPE)
    assert status == 0 and "-----BEGIN PRIVATE KEY-----" in text, text
    status, again, _ = init(path, subprocess.PIPE)
    assert status == 0 and again == text[:text.index("\n") + 1], again
    with open("/dev/full", "w", encoding="ascii") as full:
        assert init(path, full) == (1, None, "muster-server: writing to the standard output: No space left on device\n")
