"""An agent that waits between its polls: what memory it has, and what it writes and starts in an unchanged poll."""
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), HERE]
from boot import new_cluster  # noqa: E402
from local_cluster import LAB_STATE  # noqa: E402

MACHINES = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21")}
WATCHED = 150  # seconds: at least two polls of a converged machine
CALLS = ("creat,open,openat,openat2,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,symlinkat,link,linkat,chmod,fchmodat,chown,lchown,"
         "fchownat,truncate,ftruncate,execve,sendmsg,sendto")


def agent_process(host):
    """Its number in this machine's own namespace."""
    with open(os.path.join(LAB_STATE, "hosts", host, "pid"), encoding="ascii") as stream:
        above = {int(stream.read())}
    for _ in range(4):
        found = subprocess.run(["pgrep", "-P", ",".join(map(str, above))], capture_output=True, text=True, check=True).stdout.split()
        for pid in found:
            with open(f"/proc/{pid}/cmdline", encoding="ascii", errors="replace") as stream:
                if stream.read().split("\0")[:2] == ["/usr/bin/muster-agent", "daemon"]:
                    return int(pid)
        above = {int(pid) for pid in found}
    raise SystemExit(f"{host}: no muster-agent daemon")


def memory(pid):
    """Kilobytes by name."""
    rows = {}
    for file in ("status", "smaps_rollup"):
        with open(f"/proc/{pid}/{file}", encoding="ascii") as stream:
            rows.update(re.findall(r"^(VmRSS|VmHWM|RssAnon|Pss):\s+(\d+) kB$", stream.read(), re.MULTILINE))
    return {name: int(value) for name, value in rows.items()}


def watch(hosts):
    """Each agent's system calls of WATCHED seconds, and its most memory meanwhile."""
    processes = {host: agent_process(host) for host in hosts}
    traces = {host: subprocess.Popen(["strace", "-f", "-qq", "-s", "256", "-e", f"trace={CALLS}", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
              for host, pid in processes.items()}
    most = {host: {} for host in hosts}
    end = time.monotonic() + WATCHED
    try:
        while time.monotonic() < end:
            for host, pid in processes.items():
                most[host] = {name: max(value, most[host].get(name, 0)) for name, value in memory(pid).items()}
            time.sleep(0.5)
    finally:
        for trace in traces.values():
            trace.terminate()
    return most, {host: trace.communicate(timeout=30)[1].splitlines() for host, trace in traces.items()}


def is_write(call):
    name = re.sub(r"^\[pid +\d+\] ", "", call).split("(", 1)[0]
    if " = -1 " in call or name in ("execve", "sendmsg", "sendto"):
        return False
    return not name.startswith("open") or bool(re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", call))


def main():
    with new_cluster(MACHINES) as cluster:
        cluster.power_on(MACHINES)
        cluster.wait_converged(MACHINES)
        cluster.wait_duties()
        time.sleep(90)  # whatever the first polls have left to do
        most, calls = watch(MACHINES)
        for host, figures in most.items():
            polls = sum("/var/lib/muster/checkpoint.json" in call and "O_RDONLY" in call for call in calls[host])
            written = [call for call in calls[host] if is_write(call) and '"/dev/null"' not in call]
            started = [call for call in calls[host] if "execve(" in call]
            print(f"{host}: resident {figures['VmRSS'] / 1024:.1f} MiB at most in {WATCHED} s, {figures['VmHWM'] / 1024:.1f} since its start; of it its own (Pss) "
                  f"{figures['Pss'] / 1024:.1f}, anonymous {figures['RssAnon'] / 1024:.1f}; goal 20 MB")
            print(f"{host}: {polls} looks at the checkpoint, {len(written)} writes, {len(started)} programs started")
            for call in written + started:
                print("   " + call)


main()
