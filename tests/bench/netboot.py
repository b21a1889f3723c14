"""200 machines that start by the network at once: the chain, kernel, initrd, settings with a claim, and the root; the root beside
nginx, which sends the same file by sendfile. Clients are simulated, the endpoints are real. What is lost, the server's memory, bytes
a second and processor time for each GB, which a busy machine distorts less."""
import hashlib
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), os.path.join(HERE, "..")]
from local_cluster import LocalCluster  # noqa: E402
from metadata_get import processor_seconds  # noqa: E402
from small_releases import import_small_releases  # noqa: E402
from waiting import wait_for  # noqa: E402

MACHINES, NGINX_PORT, ROUNDS = 200, 18546, 3
PORTS = {"boot": 18590, "enrol": 18953, "node": 18954, "metrics": 19690}
FILES = {"vmlinuz": random.Random(1).randbytes(14 << 20), "initrd": random.Random(2).randbytes(4 << 20), "root.squashfs": random.Random(3).randbytes(32 << 20),
         "arguments": b"panic=30\n"}


def mac(number):
    return f"02:4d:56:00:{number >> 8:02x}:{number & 255:02x}"


def site_of(folder):
    site = LocalCluster(os.path.join(folder, "site"), address="127.0.0.1", ports=PORTS)
    os.makedirs(site.state)
    site.start_server()
    import_small_releases(site)
    artifacts = [{"path": name, "kind": "file", "mode": "0644", "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
                 for name, content in sorted(FILES.items())]
    release = os.path.join(folder, "image-tower")
    os.makedirs(release)
    FILES["release.json"] = json.dumps({"apiVersion": "muster/v1", "kind": "Release", "name": "image-tower", "version": "1", "architecture": "amd64",
                                        "artifacts": artifacts}, sort_keys=True, separators=(",", ":")).encode()
    for name, content in FILES.items():
        with open(os.path.join(release, name), "wb") as out:
            out.write(content)
    site.muster("release", "import", release)
    inventory = os.path.join(folder, "inventory")
    os.makedirs(inventory)
    nodes = "".join(f"---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: n{number}}}\n"
                    f"spec: {{cluster: lab, role: node, address: 10.78.{number >> 8}.{number & 255}, match: {{mac: [\"{mac(number)}\"]}}, "
                    "overrides: {netboot: {image: tower}}}\n" for number in range(10, 10 + MACHINES))
    with open(os.path.join(inventory, "site.yaml"), "w", encoding="ascii") as out:
        out.write("apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/14, serviceCidr: 10.96.0.0/16}\n"
                  "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\nspec: {cluster: lab, role: master, address: 10.78.0.1}\n" + nodes)
    site.muster("apply", inventory)
    return site


def start_nginx(folder):
    root = os.path.join(folder, "nginx")
    os.makedirs(os.path.join(root, "html"))
    with open(os.path.join(root, "html", "root"), "wb") as out:
        out.write(FILES["root.squashfs"])
    with open(f"{root}/nginx.conf", "w", encoding="ascii") as out:
        out.write(f"""user root; worker_processes 2; pid {root}/pid; error_log {root}/error.log; daemon off;
events {{ worker_connections 4096; }}
http {{ access_log off; tcp_nodelay on; sendfile on; server {{ listen 127.0.0.1:{NGINX_PORT} backlog=1024; root {root}/html; }} }}
""")
    process = subprocess.Popen(["nginx", "-c", f"{root}/nginx.conf", "-p", root])
    wait_for("nginx's workers", lambda: len(children(process.pid)) == 2, 10, lambda: process.poll() is None)
    return process


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as stream:
        return [int(word) for word in stream.read().split()]


def fetch(number, port, path, keep=True):
    """The body, or its length; a 503 is waited out, as iPXE does. Each machine has its own address."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120, source_address=(f"127.1.{number >> 8}.{number & 255}", 0))
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status == 503:
            time.sleep(int(answer.headers["Retry-After"]))
            continue
        if answer.status != 200:
            raise OSError(f"{path}: {answer.status} {answer.read(300)}")
        if keep:
            return answer.read()
        length, buffer = 0, bytearray(1 << 18)
        while size := answer.readinto(buffer):
            length += size
        return length


def whole_start(number):
    fetch(number, PORTS["boot"], "/boot.ipxe")
    script = fetch(number, PORTS["boot"], f"/ipxe?mac={mac(number)}&uuid=&serial=&asset=&arch=x86_64&platform=pcbios").decode()
    for path, name in zip(re.findall(r"^(?:kernel|initrd) --name \S+ (/v1/artifacts/\S+)", script, re.M), ("vmlinuz", "initrd")):
        assert fetch(number, PORTS["boot"], path, keep=False) == len(FILES[name]), name
    assert b"muster1." in fetch(number, PORTS["boot"], f"/boot/machine.cpio?mac={mac(number)}")
    root_of(number, PORTS["boot"], f"/v1/artifacts/sha256:{hashlib.sha256(FILES['root.squashfs']).hexdigest()}")


def root_of(number, port, path):
    assert fetch(number, port, path, keep=False) == len(FILES["root.squashfs"])


def at_once(work):
    """(seconds, failures)"""
    failures = []

    def one(number):
        try:
            work(number)
        except Exception as failure:  # pylint: disable=broad-except  # whatever it is, the machine is lost
            failures.append(f"n{number}: {failure}")
    threads = [threading.Thread(target=one, args=(number,)) for number in range(10, 10 + MACHINES)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began, failures


def resident(pid, what):
    with open(f"/proc/{pid}/status", encoding="ascii") as stream:
        return int(re.search(rf"^{what}:\s+(\d+) kB", stream.read(), re.M)[1]) / 1024


def measured(pids, work):
    """(GB a second, processor seconds a GB) of the root by all machines"""
    before = processor_seconds(pids)
    seconds, failures = at_once(work)
    assert not failures, failures[:3]
    size = MACHINES * len(FILES["root.squashfs"]) / 1e9
    return size / seconds, (processor_seconds(pids) - before) / size


def main():
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        site, nginx = site_of(folder), start_nginx(folder)
        try:
            server, path = site.server_pid(), f"/v1/artifacts/sha256:{hashlib.sha256(FILES['root.squashfs']).hexdigest()}"
            before = resident(server, "VmRSS")
            seconds, failures = at_once(whole_start)
            print(f"{MACHINES} machines started at once, load {os.getloadavg()[0]:.0f}: {len(failures)} lost {failures[:3]}, all had their root after {seconds:.1f} s; "
                  f"server resident {before:.0f} MiB before, {resident(server, 'VmHWM'):.0f} at most")
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(measured([server], lambda number: root_of(number, PORTS["boot"], path)))
                theirs.append(measured(children(nginx.pid), lambda number: root_of(number, NGINX_PORT, "/root")))
            for what, at in (("GB/s", 0), ("processor seconds a GB", 1)):
                mine, other = (statistics.median(each[at] for each in all_of) for all_of in (ours, theirs))
                print(f"the root, {what}: {mine:.2f}, nginx {other:.2f}: {mine / other:.2f}")
            print(f"server resident at most {resident(server, 'VmHWM'):.0f} MiB")
        finally:
            nginx.terminate()
            nginx.wait()
            site.stop_server()


if __name__ == "__main__":
    main()
