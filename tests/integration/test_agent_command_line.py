"""What muster-agent says of a command that it does not carry out."""
import os
import subprocess

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci")), "agent", "muster-agent")
TAKES = ("muster-agent: reset: nothing was done: expected --yes, since it takes away this machine's pods and their data, its etcd data, "
         "keys and certificates, and all files, releases, packages, routes and settings of the kernel that Muster put here; "
         "/etc/muster/agent.json stays. To do it: muster-agent reset --yes")


@pytest.mark.parametrize("words, said", [
    ("reset", TAKES),
    ("reset --abandon-etcd", f"{TAKES} --abandon-etcd"),
    ("reset --ended", f"{TAKES} --ended"),
    ("reset --yse", "muster-agent: The following argument was not expected: --yse; see muster-agent reset --help"),
    ("monitor", "muster-agent: subject is required; see muster-agent monitor --help"),
    ("converge --without-turn", "muster-agent: --without-turn requires --now; see muster-agent converge --help"),
    ("", "muster-agent: expected a command, found none; see muster-agent --help"),
    ("rest", "muster-agent: unknown command 'rest'; see muster-agent --help"),
    ("--rest", "muster-agent: unknown option '--rest'; see muster-agent --help")])
def test_wrong_usage_is_told_in_its_own_words(words, said):
    done = subprocess.run([AGENT, *words.split()], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said + "\n")


def test_help_is_output():
    done = subprocess.run([AGENT, "reset", "--help"], capture_output=True, text=True, check=True)
    assert "muster-agent reset --yes" in done.stdout and done.stderr == ""
