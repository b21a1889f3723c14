"""scripts/bare-root's inside of its namespaces, in a root of a few programs."""
import os
import re
import shutil
import subprocess

import pytest

from bare_machine import REPOSITORY

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts, in a namespace of its own")]


@pytest.fixture
def root(tmp_path):
    files = {shutil.which(program) for program in ("bash", "setpriv", "env", "umount", "cat", "tr", "grep")}
    told = subprocess.run(["ldd", *files], capture_output=True, text=True, check=True).stdout
    for folder in ("proc", "sys", "dev", "run", "etc", "usr/src/muster", "usr/lib", "usr/bin"):
        os.makedirs(tmp_path / folder)
    for file in files:
        shutil.copy(file, tmp_path / "usr/bin")
    for file in set(re.findall(r"(/\S+) \(0x", told)):
        os.makedirs(tmp_path / os.path.dirname(file)[1:], exist_ok=True)
        shutil.copy(file, tmp_path / file[1:])
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    return tmp_path


def test_settings_reach_the_command_by_no_argument(root):
    environment = {"PATH": os.environ["PATH"], "https_proxy": "http://site:S3cret two@127.0.0.1:9", "MUSTER_LAB": "/here", "ELSE": "1"}
    look = "cat /proc/*/cmdline | tr '\\0' ' '; echo; echo ===; env"
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--propagation", "private", os.path.join(REPOSITORY, "scripts/bare-root.d/inside"),
                           root, "root", "bash", "-c", look], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    arguments, _, found = done.stdout.partition("===\n")
    assert "bare-root.d/inside" in arguments and "S3cret" not in arguments
    names = dict(line.split("=", 1) for line in found.splitlines())
    assert names["https_proxy"] == environment["https_proxy"]
    assert names.keys() & {"MUSTER_LAB", "ELSE"} == set()
