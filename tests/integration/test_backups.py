"""Backups that pile up, lack something, or no longer open, and what a restore says: from the real programs."""
import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import threading

import pytest

from local_cluster import LocalCluster, call
from own_disk import started_on
from sanitizers import sanitizer_reports
from small_releases import import_small_releases

INVENTORY = """apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: lab, role: master, address: 10.77.0.11}
"""
NO_RECORD = "nothing is served without that record"
OWN_NAME = re.compile(r"muster-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?\.backup")


class Site(LocalCluster):
    def __init__(self, state):
        super().__init__(state, address="127.0.0.1", ports={"boot": 19860, "enrol": 20243, "node": 20244, "metrics": 19870})
        self.folder = os.path.join(state, "server")
        self.key = os.path.join(state, "recovery.key")

    def initialise(self):
        out = call(self.program("muster-server"), "--settings", self.write_settings(), "init").stdout
        with open(self.key, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as key:
            key.write(out[out.index("-----BEGIN PRIVATE KEY-----"):])

    def apply(self):
        import_small_releases(self)
        folder = os.path.join(self.state, "inventory")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "site.yaml"), "w", encoding="ascii") as out:
            out.write(INVENTORY)
        self.muster("apply", folder)

    def spoil(self, kind, key):
        """While nothing runs, as a disk does: the record is another, its version the same."""
        self.stop_server()
        with contextlib.closing(sqlite3.connect(os.path.join(self.folder, "state.sqlite"))) as store, store:
            done = store.execute("UPDATE records SET value = ? WHERE kind = ? AND key = ?", (b'{"broken', kind, key))
            assert done.rowcount == 1, (kind, key)
        self.start_server()

    def shown(self):
        return json.loads(self.muster("backup", "show", "-o", "json").stdout)

    def restore(self, file, *words, settings=None, pin=None, key=None):
        return call(self.program("muster-server"), "--settings", settings or os.path.join(self.state, "server.json"), "restore", str(file),
                    "--pin", pin or self.pin, "--key", key or self.key, *words, check=False, timeout=60)


@pytest.fixture(name="site")
def a_site(tmp_path):
    site = Site(str(tmp_path / "site"))
    site.initialise()
    site.start_server()
    site.pin = site.site_pin()
    yield site
    site.stop_server()
    assert sanitizer_reports(os.path.join(site.state, "server.log")) == []


def fill(folder):
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as out:
        try:
            while out.write(bytes(4096)):
                pass
        except OSError:
            pass


@pytest.fixture(name="folder")
def a_folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.fixture(name="backed_up")
def a_site_that_is_gone(site, tmp_path):
    """(site, its backup); no state folder is left."""
    file = tmp_path / "muster.backup"
    site.apply()
    site.muster("backup", str(file))
    site.stop_server()
    shutil.rmtree(site.folder)
    return site, file


def made(done):
    assert done.returncode == 0, done.stderr
    return os.path.basename(re.match(r"backed up to '(.*)';", done.stdout).group(1))


def test_what_was_just_made_stays_whatever_the_files_are_called(site, folder):
    def backup(keep):
        return made(site.muster("backup", "--folder", str(folder), "--keep", str(keep)))

    # Made while a clock was ahead: later by their names, older by what is in them.
    ahead = []
    for day in (11, 12, 13):
        ahead.append(f"muster-209901{day}T000000Z.backup")
        os.rename(folder / backup(9), folder / ahead[-1])
    foreign = ("muster-before-upgrade.backup", "muster-20990101T000000Z.backup", "muster-20990101T000000Z.backup.gz")
    for name in foreign:
        (folder / name).write_text("not ours", encoding="ascii")
    newest = backup(3)
    assert sorted(os.listdir(folder)) == sorted([*foreign, *ahead[1:], newest])
    last = backup(1)
    assert sorted(os.listdir(folder)) == sorted([*foreign, last])


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
def test_a_full_disk_names_the_file_and_leaves_nothing(site, folder):
    words = ("unshare", "--mount", "--propagation", "private", "sh", "-ec",
             'mount -t tmpfs -o size=8k tmpfs "$0"; if "$@"; then exit 9; fi; ls -A "$0"', str(folder))
    done = call(*words, site.program("muster"), "--server", f"unix:{site.socket}", "backup", f"{folder}/muster.backup")
    assert done.stderr == (f"muster: writing '{folder}/muster.backup.new': No space left on device (ENOSPC); "
                           "nothing is left of it: free some space there, or name a place with more\n")
    assert done.stdout == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
def test_a_full_disk_of_the_server_names_the_file_and_leaves_nothing(tmp_path):
    with started_on(Site(str(tmp_path)), "-t", "tmpfs", "-o", "size=24m,mode=0700", "none") as site:
        site.muster("backup", "key", "new", "--out", site.key)
        site.stop_server()  # its log of writes is taken up, and starts anew
        site.start_server()
        before = sorted(os.listdir(site.folder))
        fill(site.folder)
        done = site.muster("backup", str(tmp_path / "muster.backup"), check=False)
        os.unlink(os.path.join(site.folder, "filler"))
        copy = os.path.join(site.folder, "backup-database")
        assert done.returncode == 1 and re.fullmatch(
            rf"muster: .*: copying: database or disk is full; no space is left \(ENOSPC\) for '{copy}.new' or a file beside it: free some there, "
            "nothing was written; "
            rf"while a backup is made, '{site.folder}' needs room for the database twice more. "
            r"Nothing is left of this one: free some there, then make it again \(request \w+\)\n",
            done.stderr), done.stderr
        assert sorted(os.listdir(site.folder)) == before and not (tmp_path / "muster.backup").exists()
        site.muster("backup", str(tmp_path / "muster.backup"))


def test_two_in_one_second_have_names_of_their_own(site, folder):
    names = [made(site.muster("backup", "--folder", str(folder))) for _ in range(6)]
    assert sorted(os.listdir(folder)) == sorted(names) and len(set(names)) == 6 and all(OWN_NAME.fullmatch(name) for name in names)


def test_backups_that_nobody_takes_away_do_not_pile_up_and_the_one_that_counts_stays(site, folder):
    words = ("backup", "--folder", str(folder), "--keep", "2")
    counts = made(site.muster(*words))
    (folder / "muster-20260101T000000Z.backup.new").write_text("cut off", encoding="ascii")
    for _ in range(5):
        failed = site.muster(*words, "--run", "/bin/false", check=False)
        assert failed.returncode == 1 and "the backup counts as none" in failed.stderr, failed.stderr
    left = sorted(os.listdir(folder))
    assert len(left) == 2 and counts in left, left
    assert made(site.muster(*words)) in os.listdir(folder)
    assert len(os.listdir(folder)) == 2


def test_a_ca_key_that_cannot_be_read_is_told_and_in_no_backup(site, folder):
    site.apply()
    words = ("backup", "--folder", str(folder), "--keep", "1")
    whole = made(site.muster(*words))
    assert site.shown()["unsaved"] == []
    site.spoil("authority", "lab/etcd")
    done = site.muster(*words)
    assert "muster: warning: authority lab/etcd cannot be read, and is in this backup as damaged as it is here" in done.stderr, done.stderr
    newest = made(done)
    shown = site.shown()
    assert shown["unsaved"] == ["lab"] and shown["last"]["damaged"] == ["authority lab/etcd"], shown
    assert "the CA keys of cluster 'lab' are in no backup" in site.muster("status").stdout
    assert "muster_backup_unsaved_authorities 1" in call("curl", "-s", f"http://127.0.0.1:{site.ports['metrics']}/metrics").stdout
    # What has it whole is not what goes.
    site.muster(*words)
    assert len(os.listdir(folder)) == 2 and whole in os.listdir(folder) and newest not in os.listdir(folder)


def test_a_new_recovery_key_is_told_until_a_backup_opens_with_it(site, tmp_path):
    site.muster("backup", str(tmp_path / "first"))
    old = site.shown()["recoveryKey"]["fingerprint"]
    assert "backup" not in site.muster("status").stdout
    site.muster("backup", "key", "new", "--out", str(tmp_path / "new.key"))
    new = site.shown()["recoveryKey"]["fingerprint"]
    told = f"no backup opens with the recovery key {new}: the last one that is kept opens with {old} alone\n"
    assert told in site.muster("status").stdout and told in site.muster("backup", "show").stdout
    assert re.search(f"^last backup   .*; opens with {old}$", site.muster("backup", "show").stdout, re.M)
    site.muster("backup", str(tmp_path / "second"))
    assert "opens with the recovery key" not in site.muster("status").stdout


def test_a_recovery_key_whose_answer_is_lost_stays(site, tmp_path):
    """The server may have taken it: then nothing else opens the backups from then on."""
    path, out = str(tmp_path / "deaf.sock"), tmp_path / "new.key"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(path)
        deaf.listen()
        deaf.settimeout(30)

        def hang_up():
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = deaf.accept()
                    caller.recv(65536)
                    caller.close()
        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        done = call(site.program("muster"), "--server", f"unix:{path}", "backup", "key", "new", "--out", str(out), check=False)
        deaf.shutdown(socket.SHUT_RDWR)
        thread.join(30)
    assert done.returncode != 0 and done.stdout == ""
    assert f"whether the server has this key is not known, so its private half stays in '{out}': look with `muster backup show`" in done.stderr, done.stderr
    assert "PRIVATE KEY" in out.read_text(encoding="ascii") and stat.S_IMODE(os.stat(out).st_mode) == 0o600


def test_show_says_none_where_there_is_none_and_the_site_where_it_is_meant(site):
    assert re.fullmatch(r"recovery key  sha256:\w+\nlast backup   none\nin no backup  the site\n.*\n  cure: .*\n", site.muster("backup", "show").stdout)


def test_a_damaged_recovery_key_is_told_with_its_cure(site, tmp_path):
    site.spoil("site", "recovery")
    done = site.muster("backup", str(tmp_path / "file"), check=False)
    cure = "Make one with `muster backup key new --out FILE`, and keep FILE elsewhere: "
    assert done.returncode == 5 and f"the recovery key's record cannot be read, so nobody could open it. {cure}" in done.stderr, done.stderr


def test_a_damaged_note_of_the_restore_hides_nothing_and_is_told(backed_up):
    site, file = backed_up
    assert site.restore(file).returncode == 0
    site.start_server()
    site.spoil("site", "restored")
    told = site.muster("restore", "status").stdout
    assert "when it was restored cannot be read: " in told and "cluster lab: 0 machine(s) showed" in told, told
    assert "site restored: its record cannot be read: " in site.muster("status").stdout
    site.muster("restore", "open", "lab", "--unheard")


def test_what_was_restored_is_in_a_backup(backed_up):
    site, file = backed_up
    assert site.restore(file).returncode == 0
    site.start_server()
    shown = site.shown()
    assert shown["unsaved"] == [] and shown["message"] == "" and shown["last"] is not None, shown
    assert "in no backup" not in site.muster("status").stdout


def test_a_restore_makes_the_folders_that_the_backups_settings_name(site, tmp_path):
    site.stop_server()
    shutil.rmtree(site.folder)
    site.folder = str(tmp_path / "gone" / "below" / "server")
    site.server_settings["stateDirectory"] = site.folder
    os.makedirs(site.folder)
    site.initialise()
    site.start_server()
    site.pin = site.site_pin()
    site.muster("backup", str(tmp_path / "file"))
    site.stop_server()
    shutil.rmtree(tmp_path / "gone")
    settings = tmp_path / "etc" / "muster" / "server.json"
    done = site.restore(tmp_path / "file", settings=str(settings))
    assert done.returncode == 0 and f"its settings are in {settings}" in done.stdout, done.stderr
    assert json.loads(settings.read_text(encoding="utf-8"))["stateDirectory"] == site.folder
    assert os.stat(site.folder).st_mode & 0o777 == 0o700
    site.start_server()


def test_what_is_no_backup_of_the_site_is_told_as_what_it_is(backed_up, tmp_path):
    site, file = backed_up
    whole = file.read_bytes()

    def refused(given, expected, **how):
        done = site.restore(given, **how)
        assert done.returncode == 2 and done.stderr.startswith("muster-server: ") and done.stderr.count("\n") == 1, done.stderr
        assert expected in done.stderr and NO_RECORD not in done.stderr, done.stderr
        assert not os.path.exists(site.folder)

    def with_bytes(content):
        (tmp_path / "other").write_bytes(content)
        return tmp_path / "other"

    def flipped(at):
        return with_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])

    header = whole.rindex(b'{"payload"')
    for at in (1000, header + 30, header + 40, header + 2000, whole.index(b'"sig"', header) + 12):
        refused(flipped(at), "found one that was altered; take another one")
    refused(with_bytes(whole[:-1]), "found another file, or one that was cut off; take another one")
    refused(with_bytes(b""), "found a file that is too short; take another one")
    refused(tmp_path, "expected a backup of `muster backup`, found a folder; take another one")
    refused(tmp_path / "none", "No such file or directory")
    refused(file, "it is not of the site sha256:" + "0" * 64, pin="sha256:" + "0" * 64)
    stranger = str(tmp_path / "stranger.key")
    call("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", stranger)
    os.chmod(stranger, 0o600)
    done = site.restore(file, key=stranger)
    told = r"expected the recovery key sha256:\w{64}, to which it is encrypted, found sha256:\w{64}; give its own with --key"
    assert re.fullmatch(rf"muster-server: '.*': {told}\n", done.stderr), done.stderr
    assert done.returncode == 2
    os.chmod(stranger, 0o644)
    refused(file, "expected mode 0600 or stricter", key=stranger)


def test_help_is_help_after_any_word_and_says_what_the_exit_statuses_mean(site):
    for words in (("restore", "--help"), ("take-site-key", "--help"), ("restore", "FILE", "--help"), ("--help",)):
        done = call(site.program("muster-server"), *words, check=False)
        assert done.returncode == 0 and done.stdout.startswith("muster-server: the metadata server of Muster\n"), done.stderr
        assert "Exit status: 0 done" in done.stdout
    assert not os.path.exists("--help")
