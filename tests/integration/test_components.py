"""scripts/components against what would lead it astray: servers, tables, versions, an umask, a second run."""
import importlib.machinery
import importlib.util
import os
import re
import subprocess

import pytest

from bare_machine import held_until_waited_for
from local_cluster import REPOSITORY
from upstream_site import COMPONENTS, tar

pytestmark = pytest.mark.release_build  # of scripts: a sanitizer's build has no part in it


# --- servers and tables that mean harm, or are badly made --------------------------------------------
@pytest.fixture
def upstream(monkeypatch):
    """The program's own functions, for bounds that take long to reach."""
    path = os.path.join(REPOSITORY, "scripts", "components.d", "upstream")
    monkeypatch.syspath_prepend(os.path.dirname(path))
    loader = importlib.machinery.SourceFileLoader("components_upstream", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_a_server_that_drips_is_given_up(upstream, files, tmp_path):
    files.content["/drip"], files.at_most = b"x" * 10_000, 1
    upstream.PAUSE, upstream.PATIENCE = 0.05, 0.3
    code, words = upstream.transfer(files.url + "/drip", str(tmp_path / "part"), str(tmp_path / "headers"))
    assert code == 18 and "transfer closed" in words
    assert len(files.asked) < 8  # pauses grow


@pytest.mark.parametrize("known", [True, False], ids=["its length is told", "its length is not told"])
def test_a_file_that_is_too_long_does_not_stay(upstream, files, tmp_path, known):
    files.content["/endless"], files.without_lengths = b"x" * 500_000, not known
    upstream.LARGEST = 100_000
    code, words = upstream.transfer(files.url + "/endless", str(tmp_path / "part"), str(tmp_path / "headers"))
    assert code != 0 and re.search("Maximum file size exceeded|at least 0.1 MB, more than a release's file may have", words)
    assert not (tmp_path / "part").exists() or not (tmp_path / "part").stat().st_size


def test_a_sparse_member_does_not_fill_the_disk(site, tmp_path):
    with open(tmp_path / "etcd", "wb") as stream:
        stream.truncate(3 << 30)
    made = subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cz", "etcd"], capture_output=True, check=True).stdout
    os.remove(tmp_path / "etcd")
    site.row("etcd", "1.0.0", "/etcd.tar.gz", made, ".", "etcd")
    done = site.run()
    assert done.returncode == 1
    assert "'etcd': expected at most 2147.5 MB, found 3221.2 MB; do not use this file" in done.stderr
    assert not [path for path in site.folder.rglob("etcd") if path.is_file()]


def test_one_file_at_two_addresses_is_fetched_once(site, files):
    data = tar({"runc": b"runc", "etcd": b"etcd"})
    site.row("runc", "1.0.0", "/first/a.tgz", data, ".", "runc")
    site.row("etcd", "1.0.0", "/second/a.tgz", data, ".", "etcd")
    assert site.run().returncode == 0
    assert files.asked == ["/first/a.tgz"]
    for name in ("runc", "etcd"):
        assert site.programs(name, "1.0.0") == {name: (name.encode(), "0o755")}


def test_the_second_address_serves_where_the_first_does_not(site, files):
    data = tar({"runc": b"runc", "etcd": b"etcd"})
    site.row("runc", "1.0.0", "/first/a.tgz", data, ".", "runc")
    site.row("etcd", "1.0.0", "/second/a.tgz", data, ".", "etcd")
    del files.content["/first/a.tgz"]
    assert site.run().returncode == 0
    assert site.release("runc", "1.0.0") and site.release("etcd", "1.0.0")


def test_a_server_without_ranges_is_asked_anew(site, files):
    files.without_ranges = True
    files.cut["/runc.amd64"] = 100
    site.row("runc", "4.5.6", "/runc.amd64", b"runc" * 1000, "-", "runc")
    done = site.run()
    assert done.returncode == 1
    assert "are kept, the next run goes on there" not in done.stderr
    del files.cut["/runc.amd64"]
    assert site.run().returncode == 0


def test_an_address_is_taken_to_the_letter(site, files):
    site.row("runc", "4.5.6", "/runc[1-3].amd64", b"runc", "-", "runc")
    assert site.run().returncode == 0
    assert files.asked == ["/runc[1-3].amd64"]


def test_a_program_of_two_rows_is_told_by_line(site, files):
    site.row("runc", "4.5.6", "/a", b"a", "-", "runc")
    site.row("runc", "4.5.6", "/b", b"b", "-", "runc")
    done = site.run()
    assert done.returncode == 1
    assert f"{site.folder}/table:3: expected runc 4.5.6 to have 'runc' once, found it also in line 2\n" in done.stderr
    assert files.asked == []


def test_a_table_of_no_text_is_told_by_line(site):
    site.row("runc", "4.5.6", "/a", b"a", "-", "runc")
    command = site.command("--upstream")
    with open(site.folder / "table", "ab") as stream:
        stream.write(b"runc 1.0.0 \xff\xfe\n")
    done = subprocess.run(command, env=site.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{site.folder}/table:3: expected ASCII, found 'runc 1.0.0 " in done.stderr and "Traceback" not in done.stderr


# --- scripts/components itself ------------------------------------------------------------------------
@pytest.mark.parametrize("line", ["runc ../../../victim/1 1", "../../victim 1 1", "runc 1.0.0", "runc .. 1"])
def test_versions_lead_out_of_no_cache(site, line):
    precious = site.folder / "victim" / "1" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    site.row("etcd", "1.0.0", "/etcd", b"etcd", "-", "etcd")
    site.row("runc", "../../../victim/1", "/runc", b"runc", "-", "runc")
    site.versions = ["etcd 1.0.0 0", line]
    done = site.run()
    assert done.returncode == 2
    assert f"{site.folder}/versions: expected 'NAME VERSION MINUTES' such as 'runc 1.2.3 1', found '{line}" in done.stderr
    assert precious.exists() and site.release("etcd", "1.0.0") is None
    assert site.run("--pin", "runc", "../1").returncode == 2


def test_what_is_placed_is_for_every_user(site):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    assert site.run(umask=0o077).returncode == 0
    releases = site.folder / "cache" / "releases"
    assert [path for path in [releases, *releases.rglob("*")] if not path.stat().st_mode & 0o004] == []


def test_a_second_run_says_that_it_waits(site):
    site.row("runc", "4.5.6", "/runc.amd64", b"runc", "-", "runc")
    with held_until_waited_for(site.folder / "cache" / "build" / "lock"):
        done = site.run()
    assert done.stdout.startswith(f"components: waiting for another run (it holds {site.folder}/cache/build/lock)\n")


def test_a_relative_cache_is_told_whole(tmp_path):
    done = subprocess.run([COMPONENTS, "--print-dir"], cwd=tmp_path, env={**os.environ, "MUSTER_CACHE": "here"}, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/here/releases\n"
