"""A converge with nothing changed, traced: no write outside the agent's state folder, no program started, no
unit job. Every system call of the agent that may change a file system is looked at."""
import re
import subprocess

import pytest

from local_cluster import LAB

STATE = "/var/lib/muster/"
CALLS = ("open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,link,linkat,chmod,"
         "fchmodat,chown,lchown,fchownat,truncate,mknod,mknodat,setxattr,lsetxattr,removexattr,utimensat,mount,umount2,execve,sendmsg,sendto")
# Methods of systemd's manager that make a job or change what is enabled.
JOBS = re.compile(r"\b((?:Start|Stop|Restart|TryRestart|Reload|ReloadOrRestart|Kill|Enable|Disable|Mask|Unmask)Unit\w*|StartTransientUnit|Reload|Reexecute)\b")


def traced_converge(host, path):
    """The agent's own calls: those after its execve, by processes that the shell around it did not have before."""
    subprocess.run(["strace", "-f", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", path, LAB, "run", host, "--", "muster-agent", "converge"],
                   check=True, capture_output=True, timeout=120)
    with open(path, encoding="utf-8", errors="replace") as stream:
        lines = [line.split(None, 1) for line in stream.read().splitlines()]
    at = next(i for i, (_, call) in enumerate(lines) if re.match(r'execve\("[a-z/]*/muster-agent", .* = 0$', call))
    agent, others = lines[at][0], {pid for pid, _ in lines[:at]}
    return [call for pid, call in lines[at + 1:] if (pid == agent or pid not in others) and re.match(r"\w+\(", call)]


def is_write(call):
    name = call.split("(", 1)[0]
    if name in ("sendmsg", "sendto", "execve"):
        return False
    return not name.startswith("open") or bool(re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", call))


@pytest.mark.parametrize("host", ["m1", "n1"])
def test_traced(cluster, tmp_path, host):
    cluster.converge(host)  # whatever another case left to do

    def running():
        return cluster.run(host, "sh", "-c", "systemctl show -p Id,InvocationID,NRestarts '*.service' | grep -A2 -E '^Id=(kube|containerd|etcd|muster-[krm])'").stdout
    before = running()
    calls = traced_converge(host, str(tmp_path / "trace"))
    opened = [call for call in calls if call.startswith("openat(")]
    assert any("/etc/kubernetes/kubelet.yaml" in call for call in opened), "the trace misses what the agent reads"
    writes = [call for call in calls if is_write(call) and "= -1 " not in call]
    # When the server was last heard is noted once an hour; else nothing is written at all.
    assert [call for call in writes if STATE not in call and '"/dev/null"' not in call] == []
    assert len([call for call in writes if STATE in call and call.startswith("rename")]) <= 1
    assert [call for call in calls if call.startswith("execve(")] == []
    messages = [call for call in calls if call.startswith("send") and "org.freedesktop.systemd1" in call]
    assert messages, "the trace misses the questions to systemd"
    assert [call for call in messages if JOBS.search(call)] == []
    assert running() == before
