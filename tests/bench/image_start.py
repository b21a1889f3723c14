"""From user-data to the agent's first word at the server: on Debian without the agent, and on the image that has it.
Whole machines under emulation, one after the other, so that only the difference counts."""
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(REPOSITORY, "scripts"), os.path.join(REPOSITORY, "tests"), os.path.join(REPOSITORY, "tests", "e2e")]
import whole_machine  # noqa: E402
from local_cluster import BUILD, LAB, SERVER_ADDRESS, LocalCluster, call  # noqa: E402
from small_releases import import_small_releases  # noqa: E402

SEED_PORT = 8090
TEMPLATE = """apiVersion: muster/v1
kind: Cluster
metadata: {name: small}
spec: {kubernetesVersion: 1.36.3, nodeCidr: 10.77.0.0/16, podCidr: 10.72.0.0/16, serviceCidr: 10.97.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: small, role: master, namePattern: "m-{index}", maximum: 1, addressRanges: [10.77.0.64/28], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: workers}
spec: {cluster: small, role: node, namePattern: "w-{index}", maximum: 10, addressRanges: [10.77.0.80/28], proofs: [token]}
"""


class Seed(http.server.ThreadingHTTPServer):
    """What a cloud answers; when cloud-init had its user-data."""

    def __init__(self, user_data):
        super().__init__((SERVER_ADDRESS, SEED_PORT), SeedHandler)
        self.files = {"user-data": user_data, "meta-data": "instance-id: i-1\nlocal-hostname: fresh\n", "vendor-data": "", "network-config": ""}
        self.asked = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


class SeedHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        if name == "user-data" and self.server.asked is None and "Cloud-Init" in self.headers.get("User-Agent", ""):
            self.server.asked = time.monotonic()
        body = self.server.files.get(name, "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def build_images(site, folder, release):
    """{"stock": file, "ours": file}: the same Debian by the same builder, without any release and with the agent."""
    definition = os.path.join(folder, "images")
    shutil.copytree(os.path.join(REPOSITORY, "images"), definition)
    with open(os.path.join(definition, "node.yaml"), "w", encoding="ascii") as out:
        out.write("apiVersion: muster/v1\nkind: Image\nmetadata: {name: node}\nspec:\n  kernelArguments: ['console=ttyS0']\n"
                  f"  releases: {{muster-agent: {os.path.basename(release)}}}\n")
    key, store = os.path.join(folder, "key"), os.path.join(folder, "store")
    site.muster("document-key", "create", "--out", key)
    built = json.loads(site.muster("image", "--store", store, "build", "node", "--images", definition, "--image-key", key, "--releases",
                                   os.path.dirname(os.path.dirname(release)), "-o", "json").stdout)
    plan, into = {"name": "stock", "architecture": "amd64", "format": "qcow2", "suite": "bookworm", "kernel": "cloud", "inputs": "stock",
                  "kernelArguments": ["console=ttyS0"], "packages": [], "releases": [], "files": []}, os.path.join(folder, "stock")
    os.makedirs(into)
    file, builder = os.path.join(folder, "plan.json"), os.path.join(definition, "disk", "build")
    for command in (("resolve", file), ("make", file, into)):
        with open(file, "w", encoding="utf-8") as out:
            json.dump(plan, out)
        answer = call(builder, *command).stdout
        plan["resolved"] = json.loads(answer) if answer else None
    return {"stock": os.path.join(into, "disk.qcow2"), "ours": os.path.join(built["folder"], "disk.qcow2")}


def start(site, folder, name, address, image):
    """(power-on to user-data read, power-on to the machine enrolled), in seconds."""
    cluster = f"bench-{name}"
    site.muster("cluster", "create", cluster, "--template", "small", "--masters", "1", "--user-data-dir", folder)
    with open(os.path.join(folder, f"{cluster}-master-1.yaml"), encoding="utf-8") as stream:
        seed = Seed(stream.read())
    machine = whole_machine.WholeMachine(name, folder, address, "bios", ["-smbios", f"type=1,serial=ds=nocloud-net;s=http://{SERVER_ADDRESS}:{SEED_PORT}/"])

    def enrolled():
        return any(node.get("state") == "enrolled" for node in json.loads(site.muster("node", "list", "--cluster", cluster, "-o", "json").stdout)["nodes"])
    try:
        machine.power_on(image)
        site.wait_for(f"{name} to enrol", enrolled, 400, machine.is_on)
        done = time.monotonic() - machine.began
        site.wait_for("cloud-init to ask", lambda: seed.asked, 200, machine.is_on)
        return seed.asked - machine.began, done
    finally:
        machine.power_off()
        seed.shutdown()
        seed.server_close()


def main():
    if whole_machine.missing():
        sys.exit(f"needs {whole_machine.missing()}: scripts/setup --machines installs them")
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    call(LAB, "network")
    site = LocalCluster(os.path.join(folder, "site"))
    site.start_server()
    try:
        import_small_releases(site)
        release = os.path.join(folder, "releases", "muster-agent", call(site.program("muster-agent"), "--version").stdout.strip())
        subprocess.run([os.path.join(REPOSITORY, "scripts", "agent-release"), release], check=True, env={**os.environ, "MUSTER_BUILD": BUILD}, stdout=sys.stderr)
        site.muster("release", "import", release)
        template = os.path.join(folder, "template")
        os.makedirs(template)
        with open(os.path.join(template, "small.yaml"), "w", encoding="ascii") as out:
            out.write(TEMPLATE)
        site.muster("template", "set", "small", template)
        images = build_images(site, folder, release)
        for name, address in (("stock", "10.77.0.66"), ("ours", "10.77.0.67")):
            asked, done = start(site, folder, name, address, images[name])
            print(f"{name}: power-on to user-data {asked:.1f} s, to the agent's enrolment {done:.1f} s: {done - asked:+.1f} s after user-data", flush=True)
    finally:
        site.stop_server()
        shutil.rmtree(folder, ignore_errors=True)


main()
