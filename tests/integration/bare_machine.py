"""This machine as a script finds a bare one: without /usr/local and sudo, with the test's own fakes first in PATH, a cache
of the test's own, and an /usr/sbin that can be written to without a trace."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading

from waiting import Failure, wait_for

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The fakes' folder is first in PATH; without one of sudo, a real one must not be found either.
ENTER = """
mount -t tmpfs tmpfs /usr/local
mount -t overlay overlay -o "lowerdir=/usr/sbin,upperdir=$0/sbin,workdir=$0/work" /usr/sbin
[ ! -e /usr/bin/sudo ] || mount --bind /dev/null /usr/bin/sudo
[ -e "$0/sbin/started" ] || { rm -f /usr/sbin/policy-rc.d; touch "$0/sbin/started"; }
exec "$@"
"""


@contextlib.contextmanager
def held_until_waited_for(path):
    """A lock that another run holds, until somebody waits for it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def release():
            inode = f":{os.stat(path).st_ino} "

            def is_waited_for():
                with open("/proc/locks", encoding="ascii") as stream:
                    return any("-> FLOCK" in line and inode in line for line in stream)
            with contextlib.suppress(Failure):  # the test then sees that nobody has waited
                wait_for("somebody to wait for the lock", is_waited_for, 20, pause=0.02)
            fcntl.flock(lock, fcntl.LOCK_UN)

        thread = threading.Thread(target=release)
        thread.start()
        yield
        thread.join()


class BareMachine:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="muster-bare-machine-")
        os.chmod(self.folder, 0o755)  # a user enters too
        for name in ("fakes", "wheels", "cache/include", "sbin", "work"):
            os.makedirs(self.path(name))
        shutil.copytree(os.path.join(REPOSITORY, "scripts"), self.path("scripts"))
        self.fake("sync", "exit 0")  # the real one waits for all that others write to this disk
        header = b"#define CPPHTTPLIB_VERSION \"0.41.0\"\n"
        self.write("cache/include/httplib.h", header.decode())
        self.write("cache/include/httplib.h.sha256", f"{hashlib.sha256(header).hexdigest()}  httplib.h\n")

    def remove(self):
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(text)
        os.chmod(out.name, mode)

    def run(self, script, *arguments, user="root", stdin=subprocess.DEVNULL, umask=-1, **environment):
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, self.folder,
                 "setpriv", "--reuid", user, "--clear-groups", self.path(script), *arguments]
        settings = {"PATH": f"{self.path('fakes')}:/usr/sbin:/usr/bin:/sbin:/bin", "MUSTER_CACHE": self.path("cache"), "HOME": self.folder,
                    "APT_LOG": self.path("apt.log"), **environment}
        return subprocess.run(words, env=settings, stdin=stdin, umask=umask, capture_output=True, text=True, check=False, timeout=60)

    # --- fakes ------------------------------------------------------------------------------------
    def fake(self, program, script):
        self.write(f"fakes/{program}", f"#!/bin/sh\n{script}\n", 0o755)

    def unfake(self, program):
        os.remove(self.path("fakes", program))

    def with_packages_but(self, *missing, broken=""):
        """A machine with every package but these, one of them perhaps cut off while it was unpacked, and with a Go."""
        without = "|".join(missing)
        self.fake("dpkg-query", f"""case "$*" in *Eflag*) echo "reinstreq {broken}"; exit ;; esac
for p in "$@"; do case $p in {without}) ;; *) echo "installed $p" ;; esac; done""")
        self.fake("dpkg", "exit 0")
        self.fake("go", "echo go1.26.0")

    def fake_apt(self, update=0, simulate=0, install=0):
        """apt-get that notes what it is asked; each verb's exit status, or "kill" for the end of who asked."""
        end = "kill -9 $PPID; sleep 1" if install == "kill" else f"exit {install}"
        self.fake("apt-get", f"""echo "apt-get $*" >>"$APT_LOG"
case "$*" in
  update*) echo "E: update failed" >&2; exit {update} ;;
  *" -s "*) exit {simulate} ;;
esac
{end}""")

    def asked_of_apt(self):
        with open(self.path("apt.log"), encoding="ascii") as stream:
            return stream.read().splitlines()

    def policy(self):
        """What keeps packages from starting services, as it stands."""
        try:
            with open(self.path("sbin/policy-rc.d"), encoding="ascii") as stream:
                return stream.read()
        except OSError:  # none, or the trace of one that was removed
            return ""
