"""How far transfers into files are, in words and on a terminal as a bar: of components.d/upstream."""
import os
import re
import shutil
import sys
import threading


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def in_words(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size} bytes"


class Progress:
    """A line for each file's start and end; between them one that is rewritten on a terminal, and one every ten
    seconds elsewhere."""

    def __init__(self):
        self.running, self.lock, self.terminal = {}, threading.Lock(), sys.stdout.isatty()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def say(self, text):
        with self.lock:
            print(("\r\033[K" if self.terminal else "") + f"components: {text}", flush=True)

    def how_far(self):
        with self.lock:
            running = list(self.running.items())
        told = []
        for part, (name, headers) in running:
            size, total = size_of(part), total_of(headers)
            share = min(1, size / total) if total else 0
            bar = "[" + "#" * int(share * 20) + "." * (20 - int(share * 20)) + "] " if self.terminal and total else ""
            told.append(f"{name} {bar}" + (f"{share:.0%} of {in_words(total)}" if total else in_words(size)))
        return told

    def watch(self):
        while not self.over.wait(0.5 if self.terminal else 10):
            told = self.how_far()
            if self.terminal and told:
                width = shutil.get_terminal_size().columns - 1
                with self.lock:
                    print(("\r\033[K" + " | ".join(told))[:width + 4], end="", flush=True)
            elif told:
                self.say("; ".join(told))

    def end(self):
        self.over.set()
        self.thread.join()


def total_of(headers):
    """The whole file's size by the last answer's headers, or None."""
    try:
        with open(headers, encoding="latin-1") as stream:
            text = stream.read().lower().rpartition("http/")[2]
    except OSError:
        return None
    found = re.search(r"^content-range:\s*bytes [0-9]+-[0-9]+/([0-9]+)", text, re.M) or re.search(r"^content-length:\s*([0-9]+)", text, re.M)
    return int(found.group(1)) if found else None
