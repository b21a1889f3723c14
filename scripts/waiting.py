"""The one wait of scripts and tests: for an effect, never for a time."""
import time


class Failure(Exception):
    """What went wrong, in words for the person at the terminal."""


def wait_for(what, condition, seconds, alive=lambda: True, pause=0.05):
    """What `condition` gives once that is true. It is asked once more when the time is over, since the machine may have
    been busy. A failure says what was waited for, and what was found last where that is more than no.

    alive: whether it can still come true, such as whether a process runs."""
    end = time.monotonic() + seconds
    while True:
        is_late = not alive() or time.monotonic() > end
        found = condition()
        if found:
            return found
        if is_late:
            last = "" if found is False or found is None else f"; found last: {found!r}"
            cause = f"waited {seconds} s for {what}" if alive() else f"waited for {what}, and what was to bring it has ended"
            raise Failure(cause + last)
        time.sleep(pause)
