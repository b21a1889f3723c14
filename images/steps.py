"""How far a build is, for the person who waits; and the one way a tool is run."""
import subprocess
import sys
import time


class Failure(Exception):
    """What went wrong, in words."""


class Steps:
    def __init__(self, names, log):
        self.names, self.log = names, log
        self.began, self.number = time.monotonic(), 0

    def next(self):
        self.say(self.names[self.number])
        self.number += 1

    def say(self, text):
        elapsed = time.monotonic() - self.began
        print(f"[{min(self.number + 1, len(self.names))}/{len(self.names)}] {elapsed:5.1f} s  {text}", file=sys.stderr, flush=True)

    def part(self, text, done, whole):
        """Within a step, where the whole is known: `text` at tenths of it."""
        print(f"      {100 * done // max(whole, 1):3d} %     {text}", file=sys.stderr, flush=True)

    def run(self, *command, text_input=None, environment=None, quiet=False):
        """Its output, which is kept in the log too unless it is `quiet`. A failure carries the last lines."""
        done = subprocess.run(command, input=text_input, capture_output=True, text=True, env=environment, check=False)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n" + ("" if quiet and not done.returncode else done.stdout + done.stderr))
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
            raise Failure(f"{' '.join(command[:2])}: exit status {done.returncode}; the whole log is {self.log}\n{tail}")
        return done.stdout
