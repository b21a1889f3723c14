"""scripts/components --upstream: release files from a server, with the digests of a table. Server, files and table are made here."""
import hashlib
import os
import pty
import re
import signal
import subprocess
import threading

import pytest

from local_cluster import REPOSITORY
from upstream_site import COMPONENTS, tar

pytestmark = pytest.mark.release_build  # of scripts: a sanitizer's build has no part in it


def test_right_digests_are_taken(site, files):
    server = tar({"k/bin/kubelet": b"kubelet", "k/bin/kube-apiserver": b"api", "k/LICENSE": b"text"})
    site.row("kubernetes-node", "1.2.3", "/v1.2.3/server.tar.gz", server, "k/bin", "kubelet", algorithm="sha512")
    site.row("kubernetes-control-plane", "1.2.3", "/v1.2.3/server.tar.gz", server, "k/bin", "kube-apiserver", "kubelet", algorithm="sha512")
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    site.row("cni-plugins", "7.8.9", "/cni.tgz", tar({"./bridge": b"bridge", "./ptp": b"ptp", "./vlan": b"vlan"}), ".", "bridge", "ptp")
    done = site.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.programs("kubernetes-node", "1.2.3") == {"kubelet": (b"kubelet", "0o755")}
    assert site.programs("kubernetes-control-plane", "1.2.3") == {"kube-apiserver": (b"api", "0o755"), "kubelet": (b"kubelet", "0o755")}
    assert site.programs("runc", "4.5.6") == {"runc": (b"runc", "0o755")}
    assert site.programs("cni-plugins", "7.8.9") == {"bridge": (b"bridge", "0o755"), "ptp": (b"ptp", "0o755")}
    artifact = site.release("runc", "4.5.6")["artifacts"][0]
    assert artifact == {"path": "bin/runc", "kind": "file", "mode": "0755", "size": 4, "digest": "sha256:" + hashlib.sha256(b"runc").hexdigest()}
    # One file for two releases is fetched once.
    assert files.served["/v1.2.3/server.tar.gz"] == len(server)
    assert re.search(rf"components: runc.amd64: fetching {files.url}/runc.amd64\n", done.stdout)
    assert re.search(r"components: runc.amd64: fetched, 4 bytes in [0-9.]+ s, sha256:[0-9a-f]{64} as pinned\n", done.stdout)
    assert re.search(r"components: runc 4.5.6 done in [0-9]+ s, ", done.stdout)
    assert site.left_over() == []
    files.content.clear()
    again = site.run()
    assert (again.returncode, again.stdout) == (0, "")


def test_a_terminal_gets_a_bar(site, files):
    data = tar({"etcd": os.urandom(50_000)})
    reached, go_on = threading.Event(), threading.Event()
    files.hold["/etcd.tar.gz"] = (len(data) // 2, reached, go_on)
    site.row("etcd", "1.0.0", "/etcd.tar.gz", data, ".", "etcd")
    ours, theirs = pty.openpty()
    running = subprocess.Popen(site.command("--upstream"), env=site.environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"[#" not in shown:
        shown += os.read(ours, 4096)
    go_on.set()
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end was closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    assert running.wait(20) == 0, shown
    assert re.search(rb"etcd.tar.gz \[#+\.+\] [0-9]+% of 50[0-9]{3} bytes", shown), shown


def test_a_wrong_digest_is_refused_and_others_go_on(site, files):
    pinned = "sha256:" + "0" * 64
    site.row("etcd", "1.0.0", "/etcd.tar.gz", tar({"etcd": b"evil"}), ".", "etcd", digest=pinned)
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    done = site.run()
    found = hashlib.sha256(files.content["/etcd.tar.gz"]).hexdigest()
    assert done.returncode == 1
    assert (f"components: etcd 1.0.0: {files.url}/etcd.tar.gz: expected {pinned}, found sha256:{found} ({len(files.content['/etcd.tar.gz'])} bytes). "
            "Nothing of it was unpacked, the file was removed. Run this again; if it stays, ") in done.stderr
    assert done.stderr.endswith("components: not there, for what is said above: etcd 1.0.0\n")
    assert site.release("etcd", "1.0.0") is None
    assert site.release("runc", "4.5.6")
    assert not [name for name in site.left_over() if "etcd" in name]


def test_every_failure_is_told_at_the_end(site, files):
    site.row("etcd", "1.0.0", "/etcd.tar.gz", tar({"etcd": b"etcd"}), ".", "etcd")
    site.row("containerd", "1.0.0", "/containerd.tar.gz", tar({"bin/ctr": b"ctr"}), "bin", "containerd", "ctr")
    site.row("runc", "4.5.6", "/runc.amd64", b"runc" * 1000, "-", "runc")
    site.row("cni-plugins", "7.8.9", "/cni.tgz", b"no tar", ".", "bridge")
    site.row("coredns", "1.0.0", "/coredns", b"coredns", "-", "coredns")
    site.row("test-echo", "1.0.0", "/echo", b"echo", "-", "echo")
    site.row("test-echo", "1.0.0", "/gone", b"gone", "-", "gone")  # the other half of a release of two files
    del files.content["/gone"]
    del files.content["/etcd.tar.gz"]
    files.cut["/runc.amd64"] = 100
    done = site.run()
    assert done.returncode == 1
    for expected in (f"etcd 1.0.0: {files.url}/etcd.tar.gz: expected the file, found: curl: (22) The requested URL returned error: 404. Is this address open",
                     f"containerd 1.0.0: {files.url}/containerd.tar.gz: expected bin/containerd in it, found none of that name; mend the row's",
                     f"runc 4.5.6: {files.url}/runc.amd64: expected the file, found: curl: (18) ",
                     "; 100 bytes are kept, the next run goes on there. Is this address open from here? MUSTER_UPSTREAM=URL names a mirror",
                     f"cni-plugins 7.8.9: {files.url}/cni.tgz: expected a tar file, found: ",
                     "not there, for what is said above: etcd 1.0.0, containerd 1.0.0, runc 4.5.6, cni-plugins 7.8.9, test-echo 1.0.0\n"):
        assert expected in done.stderr, done.stderr
    assert site.release("coredns", "1.0.0")
    assert not [name for name in ("etcd", "containerd", "runc", "cni-plugins") if (site.folder / "cache" / "releases" / name).exists()]
    assert not [path for path in site.folder.rglob("*") if path.name in ("etcd", "ctr", "runc", "bridge", "echo")]


def test_a_server_that_is_away(site, files):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    files.server.shutdown()
    files.server.server_close()
    done = site.run()
    assert done.returncode == 1
    assert f"runc 4.5.6: {files.url}/runc.amd64: expected the file, found: curl: (7) " in done.stderr
    site.environment["MUSTER_UPSTREAM"] = "mirror.example"
    done = site.run()
    assert done.returncode == 1
    assert "components: MUSTER_UPSTREAM: expected an address such as https://mirror.example/upstream, found 'mirror.example'\n" in done.stderr


def test_a_transfer_that_ends_early_goes_on_by_range(site, files):
    data = os.urandom(200_000)
    files.cut["/runc.amd64"] = 150_000
    site.row("runc", "4.5.6", "/runc.amd64", data, "-", "runc")
    assert site.run().returncode == 1
    # What came is asked for no second time; from there the server gave nothing.
    assert (files.ranges, files.served["/runc.amd64"]) == ([("/runc.amd64", 150_000)], 150_000)
    del files.cut["/runc.amd64"]
    done = site.run()
    assert done.returncode == 0, done.stderr
    assert "runc.amd64: fetching " in done.stdout and ", going on after 0.1 MB" in done.stdout
    assert files.served["/runc.amd64"] == len(data)
    assert site.programs("runc", "4.5.6")["runc"][0] == data


def test_one_run_goes_on_as_long_as_bytes_come(site, files):
    data = os.urandom(200_000)
    files.at_most = 90_000
    site.row("runc", "4.5.6", "/runc.amd64", data, "-", "runc")
    done = site.run()
    assert done.returncode == 0, done.stderr
    assert files.ranges == [("/runc.amd64", 90_000), ("/runc.amd64", 180_000)]
    assert files.served["/runc.amd64"] == len(data)
    assert site.programs("runc", "4.5.6")["runc"][0] == data


def test_a_killed_run_is_resumed(site, files):
    data = os.urandom(200_000)
    reached, go_on = threading.Event(), threading.Event()
    files.hold["/runc.amd64"] = (120_000, reached, go_on)
    site.row("runc", "4.5.6", "/runc.amd64", data, "-", "runc")
    running = subprocess.Popen(site.command("--upstream"), env=site.environment, stdout=subprocess.DEVNULL, start_new_session=True)
    assert reached.wait(20)
    part = None
    while running.poll() is None and (not part or part.stat().st_size == 0):  # until curl has written some of what it was given
        part = next(iter((site.folder / "cache" / "build").rglob("*.part")), None)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    go_on.set()
    del files.hold["/runc.amd64"]
    assert site.release("runc", "4.5.6") is None
    kept = part.stat().st_size
    done = site.run()
    assert done.returncode == 0, done.stderr
    assert files.ranges == [("/runc.amd64", kept)]
    assert site.programs("runc", "4.5.6")["runc"][0] == data


def test_what_an_earlier_run_left_may_be_spoilt(site, files):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc" * 1000, "-", "runc")
    files.cut["/runc.amd64"] = 100
    site.run()
    part = next((site.folder / "cache" / "build").rglob("*.part"))
    part.write_bytes(b"\0" * 100)
    del files.cut["/runc.amd64"]
    done = site.run()
    assert done.returncode == 0, done.stderr
    assert "what an earlier run left is of no use (another digest), fetching anew" in done.stdout


@pytest.mark.parametrize("members, text", [
    ({"../etcd": b"etcd", "etcd": "/bin/sh"}, "'etcd': expected a file, found a link; mend the row, or do not use this file"),
    ({"../etcd": b"etcd", "/etcd": b"etcd"}, "expected etcd in it, found none of that name"),
], ids=["a link", "paths outside"])
def test_paths_and_links_in_a_tar_lead_nowhere(site, files, members, text):
    site.row("etcd", "1.0.0", "/etcd.tar.gz", tar(members), ".", "etcd")
    done = site.run()
    assert done.returncode == 1
    assert text in done.stderr
    assert [path for path in site.folder.rglob("etcd") if path.is_file()] == []


def test_what_has_no_row_is_built_and_that_is_said_first(site, files):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    site.rows.append(f"pause 1.0.0 sha256:{'0' * 64} https://releases.invalid/pause . pause")
    site.versions.append("pause 3.10.2 0")
    done = site.run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        f"components: NOTE: pause 3.10.2 is BUILT, about 0 min: {site.folder}/table has no row 'pause 3.10.2', only 1.0.0. Ask for one of these "
        "('pause=1.0.0'), or add the row ('scripts/components --pin pause 3.10.2' prints it).\n")
    assert site.release("pause", "3.10.2")["artifacts"][0]["path"] == "images/pause.tar"
    # Another version may be asked for, one at a time.
    other = site.run("--upstream", "pause=1.0.0")
    assert other.returncode == 1 and "error: 404" in other.stderr
    unknown = site.run("--upstream", "paws=1.0.0")
    assert (unknown.returncode, unknown.stderr) == (2, "components: unknown component 'paws'; known: runc pause\n")
    bad = site.run("--upstream", "pause=../../1")
    assert (bad.returncode, bad.stderr) == (2, "components: pause=../../1: expected a version such as 1.2.3, found '../../1'\n")


def test_rows_of_a_new_version_are_printed(site, files):
    site.row("etcd", "1.0.0", "/v1.0.0/etcd-v1.0.0.tar.gz", tar({"etcd": b"etcd"}), "etcd-v1.0.0", "etcd", "etcdctl")
    files.content["/v1.0.1/etcd-v1.0.1.tar.gz"] = b"new"
    done = site.run("--pin", "etcd", "1.0.1")
    digest = hashlib.sha256(b"new").hexdigest()
    assert done.returncode == 0, done.stderr
    assert "Compare every digest with what etcd's project announced, read by another way than this download.\n" in done.stdout
    assert done.stdout.endswith(f"\netcd 1.0.1 sha256:{digest} https://releases.invalid/v1.0.1/etcd-v1.0.1.tar.gz etcd-v1.0.1 etcd etcdctl\n")


def test_wrong_rows_are_told_by_line(site, files):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "../runc", digest="md5:00")
    site.rows.append("etcd 1.0.0 sha256:00")
    done = site.run()
    assert done.returncode == 1
    table = site.folder / "table"
    assert f"{table}:2: expected a digest 'sha256:' and 64, or 'sha512:' and 128 digits of 0-9a-f, found 'md5:00'\n" in done.stderr
    assert f"{table}:2: expected a program's file name, found '../runc'\n" in done.stderr
    assert f"{table}:3: expected 'NAME VERSION DIGEST URL FOLDER PROGRAM...', found 3 fields\n" in done.stderr
    assert files.served == {}


def test_our_own_table_is_in_order():
    done = subprocess.run([COMPONENTS, "--list"], capture_output=True, text=True, check=True)
    assert re.search(r"^cni-plugins +1\.9\.1 +(there|missing), upstream: 1\.9\.1$", done.stdout, re.M)
    with open(os.path.join(REPOSITORY, "scripts", "components.upstream"), encoding="utf-8") as stream:
        rows = [line.split() for line in stream if line.strip() and not line.startswith("#")]
    for name, version, digest, url, *_ in rows:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", digest), name
        assert url.startswith("https://") and version in url, name
