"""The real agent against a server that a test made, with nothing to lose: mount and host-name namespaces of its
own, every file system read-only but its own settings and state, and a trace of every write."""
import json
import os
import re
import subprocess

CALLS = "open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,symlinkat,link,linkat,chmod,fchmodat,chown,execve"
MOUNT_POINTS = ("/etc/muster", "/var/lib/muster")
ENTER = """set -e
mount --make-rprivate /
mkdir -p /etc/muster /var/lib/muster
mount --bind "$1/etc" /etc/muster
mount --bind "$1/state" /var/lib/muster
mount -o remount,ro,bind /
hostname n1
exec strace -f -qq -s 300 -e trace=$3 -o /var/lib/muster/trace "$2" converge
"""


class AgentUnderAttack:
    def __init__(self, program, folder, settings):
        self.program, self.folder = program, str(folder)
        for name in ("etc", "state"):
            os.makedirs(os.path.join(self.folder, name))
        with open(os.path.join(self.folder, "etc", "agent.json"), "w", encoding="ascii") as out:
            json.dump(settings, out)

    def converge(self, timeout=30):
        made = [path for path in MOUNT_POINTS if not os.path.exists(path)]
        try:
            return self.run_apart(timeout)
        finally:
            for path in filter(os.path.exists, made):
                os.rmdir(path)

    def run_apart(self, timeout):
        # LeakSanitizer cannot work in a traced process.
        return subprocess.run(["unshare", "--mount", "--uts", "sh", "-c", ENTER, "sh", self.folder, self.program, CALLS],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def state(self):
        """What the agent has kept, by path; its trace is ours."""
        top = os.path.join(self.folder, "state")
        return sorted(os.path.relpath(os.path.join(folder, file), top) for folder, _, files in os.walk(top) for file in files
                      if file != "trace")

    def writes_outside_state(self):
        with open(os.path.join(self.folder, "state", "trace"), encoding="utf-8", errors="replace") as stream:
            calls = [line.split(None, 1)[1] for line in stream.read().splitlines()]
        calls = [call for call in calls if re.match(r"\w+\(", call) and "= -1 " not in call]
        assert any("agent.json" in call for call in calls), "the trace misses what the agent reads"
        changing = [call for call in calls if not call.startswith("open") or re.search("O_WRONLY|O_RDWR|O_CREAT", call)]
        own = re.compile(r'"/var/lib/muster/|"/dev/null"|^execve\("[^"]*muster-agent"')
        return [call for call in changing if not own.search(call)]
