"""The program that builds images of one kind, but for what is in them: what it is asked, and what this machine lacks for it."""
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys

import root_tree
from steps import Failure

IMAGES = os.path.dirname(os.path.abspath(__file__))
HOST = {"x86_64": "amd64", "aarch64": "arm64"}


class Builder:
    """`tools`: program to Debian package. `boot_packages`: of an architecture, what is fetched beside the tree."""

    def __init__(self, folder, tools, boot_packages, make):
        self.folder, self.tools, self.boot_packages, self.make = folder, tools, boot_packages, make

    def check(self, plan):
        """Everything that this machine lacks, at once."""
        problems = []
        if os.geteuid() != 0:
            problems.append("expected root, who may make device nodes and files of any owner; run it with sudo")
        tools = self.tools_of(plan)
        missing = sorted(tool for tool in tools if not shutil.which(tool))
        if missing:
            problems.append(f"expected {', '.join(missing)}, found none; apt-get install {' '.join(sorted({tools[tool] for tool in missing}))}")
        host = HOST.get(platform.machine(), platform.machine())
        if plan["architecture"] != host and not runs(plan["architecture"]):
            problems.append(f"architecture {plan['architecture']}: expected a machine of it, or one that runs its programs "
                            f"(apt-get install qemu-user-static binfmt-support), found {host}")
        if problems:
            raise Failure("\n".join(problems))

    def tools_of(self, plan):
        return dict(self.tools, **({"qemu-img": "qemu-utils"} if plan["format"] == "qcow2" else {}))

    def resolve(self, plan):
        return {"packages": root_tree.resolve(plan, self.boot_packages(plan["architecture"])), "sources": digest_of(root_tree.sources()),
                "builder": digest_of(self.programs()), "tools": self.tool_versions()}

    def programs(self):
        own = [os.path.join(folder, file) for folder, _, files in os.walk(self.folder) for file in files if not file.endswith((".md", ".pyc"))]
        return sorted(own + [os.path.join(IMAGES, file) for file in os.listdir(IMAGES) if file.endswith(".py")])

    def tool_versions(self):
        found = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *sorted(set(self.tools.values()) | {"qemu-utils", "libext2fs2"})],
                               capture_output=True, text=True, check=False).stdout
        return dict(line.split() for line in found.splitlines() if " " in line)

    def main(self, usage):
        if len(sys.argv) not in (3, 4) or (sys.argv[1] == "make") != (len(sys.argv) == 4):
            print(usage, file=sys.stderr)
            return 2
        with open(sys.argv[2], encoding="utf-8") as stream:
            plan = json.load(stream)
        os.environ["PATH"] += ":/usr/sbin:/sbin"  # which a root that sudo made may lack
        try:
            self.check(plan)
            if sys.argv[1] == "resolve":
                print(json.dumps(self.resolve(plan)))
            if sys.argv[1] == "make":
                if "MUSTER_IMAGE_NAMESPACE" not in os.environ:
                    enter_own_namespace(self.folder)
                self.make(plan, os.path.realpath(sys.argv[3]))
        except Failure as failure:
            print(failure, file=sys.stderr)
            return 1
        return 0


def runs(architecture):
    """Whether the kernel was told how to run another architecture's programs."""
    return os.path.exists(f"/proc/sys/fs/binfmt_misc/qemu-{ {'arm64': 'aarch64', 'amd64': 'x86_64'}[architecture] }")


def digest_of(files):
    whole = hashlib.sha256()
    for file in files:
        with open(file, "rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return f"sha256:{whole.hexdigest()}"


def enter_own_namespace(folder):
    """What mmdebstrap mounts and starts ends with this process, and this process with the one that started it,
    whatever kills them: nobody ever removes a folder in which this machine's own /dev is mounted."""
    os.environ["MUSTER_IMAGE_NAMESPACE"] = "own"
    os.execvp("setpriv", ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          "--propagation", "private", sys.executable, os.path.join(folder, "build"), *sys.argv[1:]])
