"""muster-server as the service that a site runs: installed with its unit in a test host, under its hardening."""
import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import sys
import time
import urllib.request

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "scripts"))

from local_cluster import LAB, call  # noqa: E402
from small_releases import RELEASES, write_small_releases  # noqa: E402
from small_template import TEMPLATE  # noqa: E402
from waiting import wait_for  # noqa: E402

BUILD = os.path.join(REPOSITORY, "build", "ci")
NAME, ADDRESS = "server", "10.77.0.5"
# What Debian's packages would bring; the stock root has the rest.
LIBRARIES = ("libsqlite3", "libyaml-cpp", "libprometheus-cpp-core", "libstdc++")
PROGRAM = b"runc 1.5.2\n"
HOOK, TOLD = "/usr/local/bin/warn-ci", "/var/lib/muster-server/told"
FOR_THE_GROUP = "'/run/muster/admin.sock' is for root and the group muster: use sudo, or join the group"

pytestmark = pytest.mark.release_build


def installed_tree(folder):
    call("cmake", "--install", BUILD, "--prefix", os.path.join(folder, "usr"))
    libraries = os.path.join(folder, "usr/lib/x86_64-linux-gnu")
    os.makedirs(libraries)
    for line in call("ldd", os.path.join(folder, "usr/bin/muster-server")).stdout.splitlines():
        found = re.match(r"\s*(\S+) => (\S+)", line)
        if found and found.group(1).startswith(LIBRARIES):
            shutil.copy(os.path.realpath(found.group(2)), os.path.join(libraries, found.group(1)))
    os.makedirs(os.path.join(folder, "etc/muster"))
    with open(os.path.join(folder, "etc/muster/server.json"), "w", encoding="ascii") as out:
        json.dump({"advertise": [ADDRESS], "expiryHook": HOOK}, out)
    hook = os.path.join(folder, HOOK[1:])
    os.makedirs(os.path.dirname(hook))
    with open(hook, "w", encoding="ascii") as out:
        out.write(f'#!/bin/sh\nread -r line && echo "$@ $line" >{TOLD}\n')
    os.chmod(hook, 0o755)
    write_small_releases(os.path.join(folder, "srv/releases"))
    os.makedirs(os.path.join(folder, "srv/template"))
    with open(os.path.join(folder, "srv/template/small.yaml"), "w", encoding="ascii") as out:
        out.write(TEMPLATE)


class Host:
    def run(self, *command, check=True):
        return call(LAB, "run", NAME, "--", *command, check=check, timeout=60)

    def muster(self, user, *arguments, check=True):
        return self.run("setpriv", "--reuid", user, "--regid", user, "--init-groups", "--", "muster", *arguments, check=check)

    def get_inside(self, port, path):
        request = f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"
        return self.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; printf '{request}' >&3; cat <&3").stdout

    def confine(self, pid, controller, file, value):
        """Under that limit of a group that is made for it; answers the group.

        systemd gives a test host's units no controllers where the machine has cgroup v1: what a limit does is the
        kernel's work and the unit's answer to it, whoever made the group."""
        group = f"/sys/fs/cgroup/{controller}/tight"
        if self.run("test", "-d", os.path.dirname(group), check=False).returncode:
            pytest.skip("needs the controllers of cgroup v1")
        self.run("mkdir", "-p", group)
        self.run("bash", "-c", f"echo {value} >{group}/{file} && echo {pid} >{group}/cgroup.procs")
        return group

    def restarts(self):
        return int(self.run("systemctl", "show", "-P", "NRestarts", "muster-server").stdout)

    def journal(self):
        return self.run("journalctl", "-u", "muster-server", "-o", "cat", "--no-pager").stdout

    def kept(self):
        """What must outlive everything."""
        listed = [self.muster("root", what, "list", "-o", "json").stdout for what in ("operator", "release", "document-key")]
        return listed, json.loads(self.muster("root", "init", "-o", "json").stdout)["pin"]

    def main_pid(self):
        return self.run("systemctl", "show", "-P", "MainPID", "muster-server").stdout.strip()


def get(path):
    with urllib.request.urlopen(f"http://{ADDRESS}:8080{path}", timeout=10) as answer:
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("needs root: test hosts are containers")
    tree = str(tmp_path_factory.mktemp("installed"))
    os.chmod(tree, 0o755)  # it becomes the host's /
    installed_tree(tree)
    call(LAB, "down", NAME)
    call(LAB, "up", NAME, "--address", ADDRESS, "--image", "stock", "--tree", tree)
    host = Host()
    try:
        host.run("systemd-sysusers")
        host.run("useradd", "--groups", "muster", "anna")
        host.run("useradd", "bob")
        # Before init it fails with the cure, and must not spoil the init that follows.
        assert host.run("systemctl", "start", "muster-server", check=False).returncode == 1
        journal = host.run("journalctl", "-u", "muster-server", "-o", "cat", "--no-pager").stdout
        assert "muster-server: the sealing key (`muster-server init` makes it): sealing key '/var/lib/muster-server/sealing-key': No such file" in journal
        host.pin = host.run("muster-server", "init").stdout
        host.run("systemctl", "reset-failed", "muster-server", check=False)
        host.run("systemctl", "enable", "--now", "muster-server")
        yield host
    finally:
        call(LAB, "down", NAME)


def test_it_runs_as_its_own_user_under_the_hardening(host):
    pid = host.main_pid()
    assert host.run("stat", "-c", "%U", f"/proc/{pid}").stdout.strip() == "muster"
    # A user namespace of its own: other users than root and muster are nobody in there.
    assert host.run("readlink", f"/proc/{pid}/ns/user").stdout != host.run("readlink", "/proc/1/ns/user").stdout
    assert re.search(r"^CapBnd:\s0+$", host.run("cat", f"/proc/{pid}/status").stdout, re.M)
    exposure = host.run("systemd-analyze", "security", "--no-pager", "muster-server").stdout
    assert float(re.search(r"exposure level for .*: ([0-9.]+)", exposure).group(1)) <= 1.5
    assert host.run("stat", "-c", "%a %U %G", "/run/muster/admin.sock").stdout.strip() == "660 muster muster"
    owners = host.run("find", "/var/lib/muster-server", "-printf", "%u %g\n").stdout.split("\n")
    assert set(owners) == {"muster muster", ""}


def test_the_filter_lets_the_compressor_give_way_and_nothing_else_be_changed(host):
    pid = host.main_pid()
    stats = host.run("bash", "-c", f"cat /proc/1/stat /proc/{pid}/task/*/stat").stdout.splitlines()
    of_host, *nice = [int(line.rsplit(")", 1)[1].split()[16]) for line in stats]
    assert sorted(set(nice)) == [of_host, 10] and nice.count(10) == 1
    filtered = host.run("systemctl", "show", "-P", "SystemCallFilter", "muster-server").stdout.split()
    assert "setpriority" in filtered
    assert not {"sched_setscheduler", "sched_setaffinity", "ioprio_set", "setrlimit", "mbind"} & set(filtered)


@pytest.mark.parametrize("user", ["root", "anna"])
def test_root_and_the_group_are_operators(host, user):
    assert host.muster(user, "status").stdout.startswith("CLUSTER ")


def test_an_ordinary_user_is_told_what_to_do(host):
    done = host.muster("bob", "status", check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"muster: {FOR_THE_GROUP}\n"


def test_the_probes_answer(host):
    assert get("/healthz") == (200, b"ok\n")
    for path in ("/healthz", "/readyz"):
        answer = host.get_inside(9180, path)
        assert answer.startswith("HTTP/1.1 200 OK\n") and answer.endswith("\n\nok\n")
    assert "muster_http_requests_total" in host.get_inside(9180, "/metrics")


def test_a_restart_and_a_power_cut_keep_what_was_there(host):
    host.muster("anna", "release", "import", "/srv/releases/runc")
    host.muster("root", "operator", "add", "ci", "--out", "/tmp/ci")

    def state():
        operators = json.loads(host.muster("root", "operator", "list", "-o", "json").stdout)
        releases = json.loads(host.muster("root", "release", "list", "-o", "json").stdout)
        return operators, releases, json.loads(host.muster("root", "init", "-o", "json").stdout)["pin"]

    before = state()
    assert [row["name"] for row in before[0]["operators"]] == ["ci"]
    assert host.pin.startswith(f"site pin {before[2]}\n\nThe recovery key follows.") and host.pin.endswith("-----END PRIVATE KEY-----\n")
    assert get("/v1/artifacts/sha256:" + hashlib.sha256(PROGRAM).hexdigest()) == (200, PROGRAM)
    first = host.main_pid()
    began = time.monotonic()
    host.run("systemctl", "restart", "muster-server")
    assert time.monotonic() - began < 10
    assert host.main_pid() != first and state() == before
    call(LAB, "power", "cycle", NAME)
    host.run("systemctl", "start", "muster-server")  # enabled; this waits for its READY
    assert state() == before


def test_the_expiry_hook_runs_where_the_unit_was_told_of_it_and_says_so_where_not(host):
    for name in RELEASES:
        host.muster("root", "release", "import", f"/srv/releases/{name}")
    host.muster("root", "template", "set", "small", "/srv/template")
    host.muster("root", "cluster", "create", "ci-1", "--template", "small")

    def warn():
        host.muster("root", "cluster", "extend", "ci-1", "--ttl", "301s")
        time.sleep(3)

    warn()
    journal = host.run("journalctl", "-u", "muster-server", "-o", "cat", "--no-pager").stdout
    assert (f"expiryHook: cluster ci-1: running '{HOOK}': Permission denied; this warning is not repeated. Try it by hand: "
            f"{HOOK} cluster-expires ci-1; as a service it also needs ExecPaths= for itself and its interpreter "
            "(`systemctl edit muster-server`)") in journal
    drop_in = "/etc/systemd/system/muster-server.service.d"
    host.run("mkdir", drop_in)
    host.run("bash", "-c", f"printf '[Service]\\nExecPaths={HOOK} /usr/bin/dash\\n' >{drop_in}/hook.conf")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "muster-server")
    warn()
    told = host.run("cat", TOLD).stdout
    assert told.startswith("cluster-expires ci-1 {") and json.loads(told.split(" ", 2)[2])["secondsLeft"] in (299, 300)


def test_the_limits_of_the_unit_are_known_and_the_server_fits_in(host):
    shown = host.run("systemctl", "show", "-p", "MemoryMax,MemorySwapMax,TasksMax,LimitNOFILE", "muster-server").stdout.split()
    assert sorted(shown) == ["LimitNOFILE=65536", f"MemoryMax={2 << 30}", "MemorySwapMax=0", "TasksMax=128"]
    tasks = host.run("ls", f"/proc/{host.main_pid()}/task").stdout.split()
    assert 2 * len(tasks) < 128


def test_out_of_memory_it_is_killed_and_comes_back_with_all_that_it_had(host):
    before, first, restarts = host.kept(), host.main_pid(), host.restarts()
    host.confine(first, "memory", "memory.limit_in_bytes", 128 << 10)  # beside what it has already
    context = ssl._create_unverified_context()
    held = []
    with contextlib.suppress(OSError):
        for _ in range(250):  # the listener takes 256 from one address
            held.append(context.wrap_socket(socket.create_connection((ADDRESS, 8444), timeout=5)))
    wait_for("the kernel to kill it", lambda: host.restarts() > restarts, 30, pause=0.5)
    for connection in held:
        connection.close()
    wait_for("the server to be back by itself", lambda: host.muster("root", "status", check=False).returncode == 0, 30, pause=0.5)
    assert "Main process exited, code=killed, status=9/KILL" in host.journal()
    assert host.main_pid() != first and host.kept() == before


def test_out_of_descriptors_it_serves_whom_it_has_and_takes_others_when_they_left(host):
    has = len(host.run("ls", f"/proc/{host.main_pid()}/fd").stdout.split())
    drop_in = "/run/systemd/system/muster-server.service.d"
    host.run("mkdir", "-p", drop_in)
    host.run("bash", "-c", f"printf '[Service]\nLimitNOFILE={has + 20}\n' >{drop_in}/few.conf && systemctl daemon-reload && systemctl restart muster-server")
    pid, held = host.main_pid(), []
    try:
        for _ in range(40):  # the listener takes 64 from one address
            held.append(socket.create_connection((ADDRESS, 8080), timeout=5))
        wait_for("the log to say so", lambda: "boot listener: no connection can be accepted: out of descriptors or memory; trying again in 100 ms" in host.journal(), 10)
        held[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held[0].recv(4096).startswith(b"HTTP/1.1 200 ")
        for connection in held:
            connection.close()
        wait_for("others to be served", lambda: get("/healthz") == (200, b"ok\n"), 10)
        assert host.main_pid() == pid
    finally:
        host.run("bash", "-c", f"rm {drop_in}/few.conf && systemctl daemon-reload && systemctl restart muster-server")


def test_out_of_tasks_the_hook_is_told_of_and_the_server_goes_on(host):
    pid = host.main_pid()
    group = host.confine(pid, "pids", "pids.max", "max")
    host.run("bash", "-c", f"cat {group}/pids.current >{group}/pids.max")
    try:
        host.muster("root", "cluster", "create", "ci-2", "--template", "small")
        host.muster("root", "cluster", "extend", "ci-2", "--ttl", "301s")
        wait_for("the log to say so", lambda: f"expiryHook: cluster ci-2: running '{HOOK}': Resource temporarily unavailable" in host.journal(), 15)
        assert get("/healthz") == (200, b"ok\n") and host.main_pid() == pid
        assert "ci-2" in host.muster("root", "status").stdout
    finally:
        host.run("bash", "-c", f"echo max >{group}/pids.max")


def test_it_is_backed_up_by_its_timers_unit_and_restored_on_a_bare_machine(host):
    """By the commands of metadata-server/backup/README.md, as the service, under its hardening."""
    host.run("muster", "backup", "key", "new", "--out", "/root/recovery.key")
    host.run("systemctl", "start", "muster-backup")
    (file,) = host.run("find", "/var/backups/muster", "-name", "muster-*.backup", "-perm", "600").stdout.split()
    pin = json.loads(host.muster("root", "init", "-o", "json").stdout)["pin"]
    host.run("systemctl", "stop", "muster-server")
    host.run("rm", "-r", "/var/lib/muster-server", "/etc/muster/server.json")
    done = host.run("muster-server", "restore", file, "--pin", pin, "--key", "/root/recovery.key").stdout
    assert f"restored the site {pin} in epoch 1." in done and "its settings are in /etc/muster/server.json" in done, done
    host.run("systemctl", "reset-failed", "muster-server", check=False)
    host.run("systemctl", "start", "muster-server")
    assert json.loads(host.muster("anna", "init", "-o", "json").stdout)["pin"] == pin
    owners = host.run("find", "/var/lib/muster-server", "-printf", "%u %g\n").stdout.split("\n")
    assert set(owners) == {"muster muster", ""}
    assert "sealed since the restore" in host.muster("root", "status").stdout
