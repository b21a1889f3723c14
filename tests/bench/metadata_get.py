"""A machine's metadata over plain HTTP: ours beside nginx serving the same bytes from a file, and an inventory of
10 000 machines beside one of 100, in alternating runs. Requests per second, and processor time per request, which a
busy machine distorts less."""
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster  # noqa: E402
from small_releases import import_small_releases  # noqa: E402
from waiting import wait_for  # noqa: E402

NGINX_PORT, SECONDS, ROUNDS = 18545, 2, 3
PATHS = ("/latest/meta-data/instance-id", "/nocloud/user-data")


def node(name, role, address, number):
    mac = ":".join(f"{byte:02x}" for byte in (0x02, 0x4d, *number.to_bytes(4, "big")))
    return f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: {name}}}\nspec: {{cluster: lab, role: {role}, address: {address}, match: {{mac: ['{mac}']}}}}\n"


def is_published(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATHS[0]}") as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def start_site(folder, machines, port, sites):
    """A server, added to `sites`, whose inventory has this host among `machines` others."""
    site = LocalCluster(os.path.join(folder, f"site-{machines}"), address="127.0.0.1",
                        ports={"boot": port, "enrol": port + 1, "node": port + 2, "metrics": port + 3})
    site.server_settings = {"boot": {"listen": f"127.0.0.1:{port}", "connectionsPerSource": 1024}}
    site.start_server()
    sites.append(site)
    import_small_releases(site)
    inventory = os.path.join(site.state, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "site.yaml"), "w", encoding="ascii") as out:
        out.write("apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\n"
                  "spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16, podNetwork: none}\n")
        out.write(node("here", "master", "127.0.0.1", 0))
    for first in range(1, machines + 1, 1000):  # a file may have 1 MiB
        with open(os.path.join(inventory, f"nodes-{first}.yaml"), "w", encoding="ascii") as out:
            for number in range(first, min(first + 1000, machines + 1)):
                out.write(node(f"n{number}", "node", f"10.80.{number // 250}.{number % 250 + 1}", number))
    site.muster("apply", inventory, check=False)  # on a busy machine ten thousand take longer than the answer may
    site.wait_for("the publication", lambda: is_published(port), 180)


def start_nginx(folder, port):
    root = os.path.join(folder, "nginx")
    for path in PATHS:
        file = os.path.join(root, "html", path[1:])
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer, open(file, "wb") as out:
            out.write(answer.read())
    with open(f"{root}/nginx.conf", "w", encoding="ascii") as out:
        out.write(f"""user root; worker_processes 2; pid {root}/pid; error_log {root}/error.log; daemon off;
events {{ worker_connections 4096; }}
http {{ access_log off; tcp_nodelay on; sendfile on; keepalive_requests 100000000; default_type text/plain;
  server {{ listen 127.0.0.1:{NGINX_PORT} backlog=1024; root {root}/html; }} }}
""")
    process = subprocess.Popen(["nginx", "-c", f"{root}/nginx.conf", "-p", root])
    wait_for("nginx to listen", lambda: socket.socket().connect_ex(("127.0.0.1", NGINX_PORT)) == 0, 10, lambda: process.poll() is None)
    return process


def processor_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            fields = stream.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])  # utime, stime: proc(5)
    return total / os.sysconf("SC_CLK_TCK")


def load(port, pids, path, kind):
    """(requests a second, microseconds of processor for each)"""
    close = ["-H", "Connection: close"] if kind == "new" else []
    before = processor_seconds(pids)
    out = subprocess.run(["wrk", "-t2", "-c8", f"-d{SECONDS}s", *close, f"http://127.0.0.1:{port}{path}"],
                         capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    spent = processor_seconds(pids) - before
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), 1e6 * spent / int(re.search(r"(\d+) requests in", out).group(1))


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    sites, nginx = [], None
    try:
        start_site(folder, 100, 18580, sites)
        start_site(folder, 10000, 18590, sites)
        nginx = start_nginx(folder, 18580)
        workers = [int(pid) for pid in subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True, check=True).stdout.split()]
        servers = [(NGINX_PORT, workers), *((site.ports["boot"], [site.server_pid()]) for site in sites)]
        print(f"8 at once; {ROUNDS} alternating runs of {SECONDS} s, medians of requests/s and microseconds of processor per request")
        print(f"{'path':30} {'connections':11} {'nginx':>13} {'100 machines':>13} {'10 000':>13} {'ours/nginx':>11} {'10 000/100':>11}")
        for path in PATHS:
            for kind in ("new", "kept"):
                runs = [[load(*server, path, kind) for server in servers] for _ in range(ROUNDS)]
                rate, cost = ([statistics.median(run[i][which] for run in runs) for i in range(3)] for which in (0, 1))
                shown = " ".join(f"{rate[i]:7.0f} {cost[i]:5.1f}" for i in range(3))
                print(f"{path:30} {kind:11} {shown} {rate[1] / rate[0]:6.2f} {cost[1] / cost[0]:4.2f} {rate[2] / rate[1]:6.2f} {cost[2] / cost[1]:4.2f}", flush=True)
    finally:
        if nginx:
            nginx.terminate()
        for site in sites:
            site.stop_server()


if __name__ == "__main__":
    main()
