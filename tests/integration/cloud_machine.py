#!/usr/bin/python3
"""Runs muster-agent on a machine of some cloud: own SMBIOS names, kernel arguments, /etc, /var/lib, and 169.254.169.254.

Reads {"agent","arguments","smbios","command_line","files","service","name","state"} as JSON on standard input, in
namespaces of its own (run() makes them), and prints {"rc","out","err","requests"}. `service` maps "METHOD PATH" to a
list of replies [status, headers, body, headers that the request needs], each used once, the last for ever; without
`service` nobody listens. A file's text may be {"base64": BYTES}. `name` is the host name, `state` a folder that outlives the run as /var/lib; a run with
`state` has this machine's network, or with `bridge` a link of its own to that bridge, with `address`. Nothing else of
this machine can be written.
"""
import base64
import http.server
import json
import os
import subprocess
import sys
import threading


def run(agent, *arguments, **machine):
    network = [] if shares_network(machine) else ["--net"]
    words = ["unshare", "--mount", "--uts", *network, "--propagation", "private", "/usr/bin/python3", __file__]
    wanted = {"agent": agent, "arguments": arguments, "host": os.getpid(), **machine}
    done = subprocess.run(words, input=json.dumps(wanted), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def shares_network(machine):
    return "state" in machine and "bridge" not in machine


def own_network(wanted):
    yield from (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", "169.254.169.254/32", "dev", "lo"])
    if "bridge" in wanted:  # gone with this namespace
        host, peer = str(wanted["host"]), f"mc{os.getpid()}"
        yield ["ip", "link", "add", "eth0", "type", "veth", "peer", "name", peer, "netns", host]
        yield ["nsenter", "--net", "--target", host, "ip", "link", "set", peer, "master", wanted["bridge"], "up"]
        yield from (["ip", "address", "add", wanted["address"], "dev", "eth0"], ["ip", "link", "set", "eth0", "up"])


class Service(http.server.BaseHTTPRequestHandler):
    replies, requests = {}, []
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.requests.append(f"{self.command} {self.path}")
        queue = self.replies.get(self.requests[-1], [[404, {}, "", {}]])
        status, headers, body, needs = queue.pop(0) if len(queue) > 1 else queue[0]
        if any(self.headers.get(name) != value for name, value in needs.items()):
            status, headers, body = 401, {}, ""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_PUT = answer  # noqa: N815: http.server's names

    def log_message(self, *_):
        pass


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(base64.b64decode(text["base64"]) if isinstance(text, dict) else text.encode())


def main():
    wanted = json.load(sys.stdin)
    for words in [*([] if shares_network(wanted) else own_network(wanted)), ["hostname", wanted.get("name", "machine")]]:
        subprocess.run(words, check=True)
    if "service" in wanted:
        Service.replies = wanted["service"]
        server = http.server.ThreadingHTTPServer(("169.254.169.254", 80), Service)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for folder in ("/etc", "/var/lib", "/sys/class", "/run"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    if "state" in wanted:
        subprocess.run(["mount", "--bind", wanted["state"], "/var/lib"], check=True)
    write("/run/cmdline", wanted.get("command_line", "quiet") + "\n")
    subprocess.run(["mount", "--bind", "/run/cmdline", "/proc/cmdline"], check=True)
    write("/etc/machine-id", "f" * 32 + "\n")
    subprocess.run(["mount", "-o", "remount,ro,bind", "/"], check=True)
    for field, value in wanted.get("smbios", {}).items():
        write(f"/sys/class/dmi/id/{field}", value + "\n")
    for path, text in wanted.get("files", {}).items():
        write(path, text)
    done = subprocess.run([wanted["agent"], *wanted["arguments"]], capture_output=True, text=True, check=False)
    print(json.dumps({"rc": done.returncode, "out": done.stdout, "err": done.stderr, "requests": Service.requests}))


if __name__ == "__main__":
    main()
