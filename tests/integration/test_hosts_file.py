"""`muster-agent hosts` on a real /etc: of a file, of a file that is a mount of its own, and of none."""
import os
import subprocess

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci")), "agent", "muster-agent")
OURS = "10.77.0.13 n3 # muster\n10.77.0.14 n4 # muster\n"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount namespace")


def hosts_after(setup, tmp_path, runs=1):
    """What /etc/hosts is in an /etc of its own, and its inode before and after."""
    (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    script = f"""
mount -t tmpfs none /etc
cp {tmp_path}/passwd /etc/passwd
printf 'root:x:0:\\n' >/etc/group
mkdir /etc/muster
printf '10.77.0.13 n3\\n10.77.0.14 n4\\n' >/etc/muster/hosts
{setup}
before=$(stat -c %i /etc/hosts 2>/dev/null || true)
for run in $(seq {runs}); do {AGENT} hosts; done
[ "$before" = "$(stat -c %i /etc/hosts)" ] && echo kept || echo replaced
ls -A /etc
cat /etc/hosts"""
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    inode, rest = done.stdout.decode().split("\n", 1)
    files, text = rest.split("passwd\n", 1)
    assert files.split() == ["group", "hosts", "muster"], files
    return inode, text


def test_a_file_is_replaced_as_a_whole(tmp_path):
    assert hosts_after("printf '10.0.0.9 printer' >/etc/hosts", tmp_path) == ("replaced", "10.0.0.9 printer\n" + OURS)
    assert hosts_after("printf '10.0.0.9 printer\\r\\n' >/etc/hosts", tmp_path) == ("replaced", "10.0.0.9 printer\r\n" + OURS)


def test_what_is_as_it_should_be_is_not_written(tmp_path):
    (tmp_path / "hosts").write_text(OURS + "10.0.0.9 printer\n")
    assert hosts_after(f"cp {tmp_path}/hosts /etc/hosts", tmp_path) == ("kept", OURS + "10.0.0.9 printer\n")


def test_a_mount_keeps_its_inode(tmp_path):
    (tmp_path / "hosts").write_text("# muster begin\n10.77.0.13 n3\n10.0.0.9 printer\n")
    setup = f"touch /etc/hosts; mount --bind {tmp_path}/hosts /etc/hosts"
    assert hosts_after(setup, tmp_path, runs=2) == ("kept", "10.0.0.9 printer\n" + OURS)
    assert (tmp_path / "hosts").read_text() == "10.0.0.9 printer\n" + OURS


def test_no_file_is_made(tmp_path):
    assert hosts_after("", tmp_path)[1] == OURS
