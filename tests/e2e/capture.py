"""All that a machine's network card sends and gets, searched for what must not travel in the clear."""
import os
import re
import socket
import struct
import threading
import time

SO_RCVBUFFORCE, SOL_PACKET, PACKET_STATISTICS = 33, 263, 6
ALL_PROTOCOLS = socket.htons(3)
OVERLAP = 4096  # of a stream's last bytes, in which something may begin that the next segment ends


class Capture:
    """Of an interface, from when it is there until the end of the block. canaries: {what it is: its bytes}."""

    def __init__(self, interface, canaries):
        self.interface, self.canaries = interface, {**canaries, "a private key": b"PRIVATE KEY"}
        self.found, self.tokens, self.bytes, self.lost = set(), set(), 0, 0
        self.ends = {}  # of each stream
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        while not os.path.exists(f"/sys/class/net/{self.interface}") and not self.over.is_set():
            time.sleep(0.02)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ALL_PROTOCOLS) as card:
            card.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 128 << 20)
            card.bind((self.interface, 0))
            card.settimeout(0.5)
            while not self.over.is_set():
                try:
                    self.look_at(card.recv(1 << 17))
                except TimeoutError:
                    pass
                except OSError:  # the machine is off
                    break
            self.lost = struct.unpack("II", card.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]

    def look_at(self, frame):
        self.bytes += len(frame)
        stream, text = None, frame
        if len(frame) > 54 and frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_TCP:
            ports = 14 + (frame[14] & 15) * 4
            stream = frame[26:34] + frame[ports:ports + 4]
            text = self.ends.get(stream, b"") + frame[ports + (frame[ports + 12] >> 4) * 4:]
            self.ends[stream] = text[-OVERLAP:]
        self.found.update(what for what, secret in self.canaries.items() if secret in text)
        self.tokens.update(re.findall(rb"muster1\.[A-Za-z0-9._-]{20,}", text))

    def whole_tokens(self):
        """Without those that a segment's end cut off."""
        return {token for token in self.tokens if not any(other != token and other.startswith(token) for other in self.tokens)}
