"""A whole site at once on the machine of the server: 5 000 machines that are switched on together, 10 000 that poll each
minute, and each flood of tests/attack/test_floods.py beside a machine that polls, renews and enrols. `herd.py --floods`: these alone."""
import contextlib
import hashlib
import json
import os
import resource
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "attack"), os.path.join(HERE, "..", "..", "scripts")]
from document_get import go_program  # noqa: E402
from local_cluster import REPOSITORY  # noqa: E402
from publication import PER_FILE, Site  # noqa: E402
from test_floods import EACH_AT_BOOT, EACH_AT_ENROL, Flood, client_hello  # noqa: E402
from test_uploads import seal, signatures  # noqa: E402
from waiting import wait_for  # noqa: E402

AT_ONCE, ALL = 5000, 10000
PATIENCE = 300  # seconds; after them a machine is lost
PERIOD, POLLED = 60, 130
BESIDE, PAUSE = 30, 100  # seconds of each flood, longer than a download may stand still; milliseconds between two rounds
HANDSHAKES, UPLOADERS = 512, 8  # at once
NGINX_PORT = 18629
OTHER = """---
apiVersion: muster/v1
kind: Cluster
metadata: {name: other}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.128.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: other, role: master, address: 10.77.0.11, match: {mac: ["02:4d:ff:00:00:0b"]}}
"""
GOALS = {"enrolled": 120, "p99": 5000, "resident": 512, "ratio": 3}


class Herd:
    """The machines, in one process that takes orders."""

    def __init__(self, program, site, token):
        ports = site.server.ports
        self.site = site
        self.process = subprocess.Popen([program, f"https://127.0.0.1:{ports['enrol']}", f"https://127.0.0.1:{ports['node']}", token],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, text):
        """What came of it, with the processor seconds of the server and of the machines, and the server's MiB at most."""
        pid = self.site.server.server_pid()
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as out:
            out.write("5")  # VmHWM starts anew: proc(5)
        work, load, began = self.site.processor(), seconds_of(self.process.pid), time.monotonic()
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        done = json.loads(self.process.stdout.readline())
        done["wall"] = time.monotonic() - began
        done["work"], done["load"] = self.site.processor() - work, seconds_of(self.process.pid) - load
        with open(f"/proc/{pid}/status", encoding="ascii") as stream:
            done["resident"] = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM")) / 1024
        return done

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def seconds_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tell(what, done):
    print(f"{what}: {done['wall']:.0f} s, processor seconds of the server {done['work']:.1f}, of the machines {done['load']:.1f}; "
          f"{100 * (done['work'] + done['load']) / done['wall'] / os.cpu_count():.0f} % of {os.cpu_count()} cores (whoever builds beside it has the "
          f"rest, and times grow by it); server at most {done['resident']:.0f} MiB [{GOALS['resident']}]; load {os.getloadavg()[0]:.0f}")
    print(f"  answers {done['statuses']}, without one {done['broken']}")
    print(f"  {'milliseconds':24} {'requests':>9} {'median':>8} {'p99':>8} {'slowest':>8}")
    for name, (count, *times) in sorted(done["requests"].items()):
        print(f"  {name:24} {count:9.0f} " + " ".join(f"{value:8.1f}" for value in times))


def switch_on(herd, first, count):
    done = herd.order(f"enrol {first} {count} {PATIENCE}")
    tell(f"{count} machines at once, of {first + count - 1}", done)
    print(f"  lost {done['lost']} [0] {done['why'] or ''}; all enrolled after {done['enrolled']:.1f} s [{GOALS['enrolled']}], "
          f"all with documents and certificates after {done['complete']:.1f} s")
    return done


def grow(site, first, last):
    for at in range(first, last + 1, PER_FILE):
        site.write(f"nodes-{at:05}.yaml", "".join(site.worker(number) for number in range(at, min(at + PER_FILE, last + 1))))
    site.measure("apply", site.inventory)


def large_release(site, folder):
    """The path of its 16 MiB."""
    release = os.path.join(folder, "large")
    os.makedirs(os.path.join(release, "bin"))
    large = os.urandom(16 << 20)
    with open(os.path.join(release, "bin", "program"), "wb") as out:
        out.write(large)
    subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), "large", "1.0.0", release], check=True)
    site.server.muster("release", "import", release)
    return f"/v1/artifacts/sha256:{hashlib.sha256(large).hexdigest()}"


@contextlib.contextmanager
def keys_that_wait(site):
    """Four addresses with 64 keys each, again and again."""
    machines = [site.machine(f"flood-{network}-{number}", f"127.2.{network}.1") for network in range(4) for number in range(64)]
    bodies = {machine.name: machine.enrol_body() for machine in machines}
    done = threading.Event()

    def ask():
        while not done.is_set():
            for machine in machines:
                if done.is_set():
                    return
                with contextlib.suppress(OSError):
                    nonce = machine.request(machine.enrol_port, "POST", "/v1/nonce", {})[1]["nonce"]
                    body = {**bodies[machine.name], "nonce": nonce}
                    body["proof"] = machine.proof("enrol", nonce, body["csr"])
                    machine.request(machine.enrol_port, "POST", "/v1/enrol", body)
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Handshakes:
    """So many strangers at once who say hello, have their answer, and come again."""

    def __init__(self, port, networks):
        self.port, self.networks, self.answered, self.done = port, networks, 0, threading.Event()
        self.hello, self.poll, self.open = client_hello(), select.epoll(), {}
        self.thread = threading.Thread(target=self.come_again)

    def come(self, number):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.bind((f"127.{60 + number % self.networks}.1.{1 + number // self.networks // 16}", 0))
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(self.hello)
        self.open[connection.fileno()] = connection, number
        self.poll.register(connection, select.EPOLLIN)

    def come_again(self):
        for number in range(HANDSHAKES):
            self.come(number)
        while not self.done.is_set():
            for descriptor, _ in self.poll.poll(1):
                connection, number = self.open.pop(descriptor)
                connection.close()
                self.answered += 1
                self.come(number)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        for connection, _ in self.open.values():
            connection.close()
        print(f"  {self.answered} handshakes of {self.networks} networks were answered, or sent away")


@contextlib.contextmanager
def uploads(machine):
    """Megabytes that nobody signed, of a machine whose cluster is sealed."""
    done, statuses, junk = threading.Event(), [], json.dumps(signatures(120000))

    def upload():
        while not done.is_set():
            with contextlib.suppress(OSError):
                statuses.append(machine.request(machine.enrol_port, "POST", "/v1/held", junk, with_certificate=True)[0])
    threads = [threading.Thread(target=upload) for _ in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        print(f"  {len(statuses)} uploads, answered {sorted(set(statuses))}")


def seal_other(herd, site):
    """As after a fire: a machine of another cluster, which stays sealed. Tokens of before are gone."""
    site.write("other.yaml", OTHER)
    site.measure("apply", site.inventory)
    made = site.server.muster("token", "create", "--cluster", "other", "--role", "master", "-o", "json")
    machine = site.machine("other-m1", "127.9.1.1")
    status, answer = machine.enrol(json.loads(made.stdout)["token"], "02:4d:ff:00:00:0b")
    if status != 200:
        sys.exit(f"other-m1 was not enrolled: {answer}")
    seal(site.server)
    site.server.muster("restore", "open", "lab", "--unheard")
    herd.order(f"token {site.token('--role', 'node', '--count', str(ALL), '--ttl', '2h')}")
    return machine


@contextlib.contextmanager
def flood_at_nginx(folder, url, request):
    """What the flood takes of the machine by itself: the same downloads of the same file, of a server that is not ours."""
    root = os.path.join(folder, "nginx")
    os.makedirs(root + os.path.dirname(url))
    os.link(os.path.join(folder, "large", "bin", "program"), root + url)
    with open(os.path.join(root, "nginx.conf"), "w", encoding="ascii") as out:
        out.write(f"""user root; worker_processes 2; worker_rlimit_nofile 16384; pid {root}/pid; error_log {root}/error.log; daemon off;
events {{ worker_connections 8192; }}
http {{ access_log off; sendfile on; send_timeout 26s; reset_timedout_connection on; server {{ listen 127.0.0.1:{NGINX_PORT} backlog=1024; root {root}; }} }}
""")
    process = subprocess.Popen(["nginx", "-c", f"{root}/nginx.conf", "-p", root])
    try:
        wait_for("nginx to listen", lambda: socket.socket().connect_ex(("127.0.0.1", NGINX_PORT)) == 0, 10, lambda: process.poll() is None)
        with Flood(NGINX_PORT, EACH_AT_BOOT, request):
            yield
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(root)


def floods(herd, site, folder):
    url = large_release(site, folder)
    ports = site.server.ports
    download = f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    rows = [("512 silent connections at enrol", lambda: Flood(ports["enrol"], EACH_AT_ENROL)),
            ("512 silent connections at node", lambda: Flood(ports["node"], EACH_AT_ENROL)),
            ("4 096 downloads that nobody reads", lambda: Flood(ports["boot"], EACH_AT_BOOT, download)),
            ("the same downloads, of nginx", lambda: flood_at_nginx(folder, url, download)),
            ("256 keys that wait for an approval", lambda: keys_that_wait(site)),
            *((f"{HANDSHAKES} handshakes, always, at {name}, of {networks}", lambda name=name, networks=networks: Handshakes(ports[name], networks))
              for name, networks in (("node", 1), ("node", 64), ("enrol", 1), ("enrol", 64)))]
    beside(herd, rows)


def beside_uploads(herd, site):
    """Last, since it makes another epoch of the site."""
    machine = seal_other(herd, site)
    beside(herd, [(f"{UPLOADERS} uploads that nobody signed, always", lambda: uploads(machine))])


def beside(herd, rows):
    quiet = herd.order(f"beside {BESIDE} {PAUSE}")["requests"]
    names = ("all", "GET /v1/document", "POST /v1/report", "POST /v1/identity", "POST /v1/enrol")
    print(f"p99 in milliseconds, by quiet [{GOALS['ratio']}]  " + "  ".join(f"{name:>18}" for name in names) + "  refused")
    print(f"{'quiet':38}" + "  ".join(f"{quiet[name][2]:18.1f}" for name in names))
    for name, flood in rows:
        with flood():
            done = herd.order(f"beside {BESIDE} {PAUSE}")
        found = done["requests"]
        print(f"{name:38}" + "  ".join(f"{found[each][2]:11.1f} ({found[each][2] / quiet[each][2]:4.1f})" for each in names)
              + f"  {done['refused']} [0] {done['why']}  load {os.getloadavg()[0]:.0f}")


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    sites, herd = [], None
    try:
        program = go_program("herd", folder)
        at_once = 2 if "--floods" in sys.argv else AT_ONCE
        site = Site(folder, at_once + 1, 18620, sites)
        site.measure("apply", site.inventory)
        herd = Herd(program, site, site.token("--role", "node", "--count", str(ALL), "--ttl", "2h"))
        switch_on(herd, 1, at_once)
        if "--first" in sys.argv:
            return
        floods(herd, site, folder)
        if "--floods" in sys.argv:
            return beside_uploads(herd, site)
        grow(site, AT_ONCE + 1, ALL)
        switch_on(herd, AT_ONCE + 1, ALL - AT_ONCE)
        herd.order(f"poll {PERIOD} {PERIOD}")  # once each: the peer list that grew is fetched by all
        done = herd.order(f"poll {PERIOD} {POLLED}")
        tell(f"{ALL} machines that poll each minute", done)
        print(f"  {done['polls']} polls, {done['failed']} failed [0]; {100 * done['work'] / done['wall']:.0f} % of one core")
        beside_uploads(herd, site)
    finally:
        if herd:
            herd.close()
        for site in sites:
            site.server.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
