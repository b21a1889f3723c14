"""Document GET over mutual TLS, ours beside nginx serving the same bytes, in alternating runs."""
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "attack"), os.path.join(HERE, "..")]
from conftest import Site, node  # noqa: E402
from metadata_machine import openssl  # noqa: E402
from waiting import wait_for  # noqa: E402

NGINX_PORT, SECONDS, ROUNDS = 18445, 2, 3


def start_nginx(folder, body, site, machine):
    root = os.path.join(folder, "nginx")
    os.makedirs(os.path.join(root, "html", "v1"))
    with open(os.path.join(root, "html", "v1", "document"), "w", encoding="utf-8") as out:
        out.write(body)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{root}/key.pem", "-out", f"{root}/cert.pem",
            "-subj", "/CN=nginx", "-days", "2")
    with open(f"{root}/clients.pem", "wb") as out:
        # optional_no_ca below: nginx asks for and parses the certificate; the authority is ours alone.
        with open(machine.certificate, "rb") as stream:
            out.write(stream.read())
    with open(f"{root}/nginx.conf", "w", encoding="ascii") as out:
        out.write(f"""user root; worker_processes 2; pid {root}/pid; error_log {root}/error.log; daemon off;
events {{ worker_connections 4096; }}
http {{ access_log off; tcp_nodelay on; sendfile on; keepalive_requests 100000000; default_type application/json;
  server {{ listen 127.0.0.1:{NGINX_PORT} ssl backlog=1024; ssl_protocols TLSv1.3; ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;
    ssl_client_certificate {root}/clients.pem; ssl_verify_client optional_no_ca; ssl_session_tickets off; ssl_conf_command NumTickets 0; root {root}/html; }} }}
""")
    process = subprocess.Popen(["nginx", "-c", f"{root}/nginx.conf", "-p", root])
    wait_for("nginx to listen", lambda: socket.socket().connect_ex(("127.0.0.1", NGINX_PORT)) == 0, 10, lambda: process.poll() is None)
    return process


def go_program(name, folder):
    """Built from the folder of that name beside this file."""
    program = os.path.join(folder, name)
    go = subprocess.run([os.path.join(HERE, "..", "..", "scripts", "setup.d", "go"), "--print"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([os.path.join(go, "go"), "build", "-o", program, "."], cwd=os.path.join(HERE, name), check=True)
    return program


def build_client(folder):
    return go_program("load", folder)


def start_site(folder, **settings):
    """A server with a master and a node in its inventory, and the enrolled node."""
    site = Site(os.path.join(folder, "site"))
    site.server_settings = settings
    site.start_server()
    site.small_releases()
    inventory = os.path.join(folder, "inventory")
    os.makedirs(inventory)
    with open(os.path.join(inventory, "cluster.yaml"), "w", encoding="ascii") as out:
        out.write("""apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
""" + node("m1", "master", 11) + node("n1", "node", 21))
    site.muster("apply", inventory)
    return site, site.enrolled("n1", "node", 21)


def load(program, port, machine, concurrency, kind):
    out = subprocess.run([program, f"https://127.0.0.1:{port}/v1/document", machine.certificate, machine.key, str(concurrency), str(SECONDS), kind],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def main():
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    program = build_client(folder)
    site, machine = start_site(folder)
    nginx = None
    try:
        status, document = machine.ask("GET", "/v1/document")
        assert status == 200
        nginx = start_nginx(folder, json.dumps(document), site, machine)
        print(f"document: {len(json.dumps(document))} bytes; {ROUNDS} alternating runs of {SECONDS} s, medians")
        print(f"{'connections':12} {'at once':>8} {'nginx/s':>9} {'ours/s':>9} {'ratio':>6} {'p99 nginx':>10} {'p99 ours':>9}")
        for kind in ("new", "kept"):
            for concurrency in (1, 8, 64):
                theirs, ours = [], []
                for _ in range(ROUNDS):
                    theirs.append(load(program, NGINX_PORT, machine, concurrency, kind))
                    ours.append(load(program, site.ports["node"], machine, concurrency, kind))
                figure = lambda runs, key: statistics.median(run[key] for run in runs)  # noqa: E731
                a, b = figure(theirs, "perSecond"), figure(ours, "perSecond")
                print(f"{kind:12} {concurrency:8} {a:9.0f} {b:9.0f} {b / a:6.2f} {figure(theirs, 'p99'):8.1f}ms {figure(ours, 'p99'):7.1f}ms"
                      + (f"  failures: {sum(r['failures'] for r in ours)}" if any(r["failures"] for r in ours) else ""), flush=True)
    finally:
        if nginx:
            nginx.terminate()
        site.stop_server()


if __name__ == "__main__":
    main()
