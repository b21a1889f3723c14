"""What the copies in memory cost a commit: a report and a publication, in sites of 100 and of 10 000 machines."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts")]
from local_cluster import BUILD, call  # noqa: E402


def main():
    call("cmake", "--build", BUILD, "--target", "commit-cost")
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        subprocess.run([os.path.join(BUILD, "tests", "commit-cost"), folder], check=True)


if __name__ == "__main__":
    main()
