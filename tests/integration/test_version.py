"""What programs say of their version: of a clone's history, and of a copy that has none."""
import os
import re
import subprocess

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci"))
SCRIPT = os.path.join(REPOSITORY, "metadata-server", "result", "version.cmake")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com", *words], check=True, capture_output=True)


def version_of(source, output):
    subprocess.run(["cmake", "-D", f"SOURCE={source}", "-D", "VERSION=1.2.3", "-D", f"OUTPUT={output}", "-P", SCRIPT], check=True)
    return re.search('program_version = "(.*)";', output.read_text()).group(1)


def test_a_clone_says_its_commit_and_a_copy_the_version_alone(tmp_path):
    source, output = tmp_path / "clone", tmp_path / "version.cpp"
    source.mkdir()
    git(source, "init", "-q")
    assert version_of(source, output) == "1.2.3"  # without a commit yet
    for count in (1, 2):
        git(source, "commit", "-q", "--allow-empty", "-m", f"commit {count}")
        assert re.fullmatch(f"1.2.3-{count}-g[0-9a-f]{{8,}}", version_of(source, output))
    written = os.stat(output).st_mtime_ns
    version_of(source, output)
    assert os.stat(output).st_mtime_ns == written  # nothing to compile
    git(source, "worktree", "add", "-q", str(tmp_path / "worktree"))
    assert version_of(tmp_path / "worktree", output).startswith("1.2.3-2-g")
    # A copy in somebody else's clone says nothing of that one.
    copy = source / "third-party" / "muster"
    copy.mkdir(parents=True)
    assert version_of(copy, output) == "1.2.3"


@pytest.mark.parametrize("program, words", [("metadata-server/muster-server", "muster-server "), ("metadata-server/cli/muster", ""), ("agent/muster-agent", "")])
def test_every_program_says_the_same(program, words):
    said = [subprocess.run([os.path.join(BUILD, path), "--version"], check=True, capture_output=True, text=True).stdout for path in (program, "agent/muster-agent")]
    assert said[0] == words + said[1]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9]+-g[0-9a-f]{8,})?\n", said[1])
