"""A component started with the arguments and files of a rendered machine, in namespaces of its own: what does it say?

Each is killed as soon as it goes on to what there is not here (a runtime, an API server, a quorum), or ends by itself.
"""
import datetime
import os
import re
import select
import signal
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RELEASE = {"kubelet": "kubernetes-node", "kube-proxy": "kubernetes-node", "kube-apiserver": "kubernetes-control-plane",
           "kube-controller-manager": "kubernetes-control-plane", "kube-scheduler": "kubernetes-control-plane",
           "etcd": "etcd", "containerd": "containerd"}
# With these words it took its configuration.
GOES_ON = {
    "kubelet": r"Started kubelet",
    "kube-proxy": r"Waiting for caches to sync|Failed to retrieve node info|Using node IP|Detected node IP|connection refused|connect: network is unreachable",
    "kube-apiserver": r"createTransport failed to connect|Error while dialing|Failed to (?:connect to|dial) etcd",
    "kube-controller-manager": r"Serving securely|Failed to wait for apiserver being healthy",
    "kube-scheduler": r"Serving securely|Starting Kubernetes Scheduler",
    "etcd": r"serving (?:client traffic|insecure client|secure client)",
    "containerd": r"containerd successfully booted|starting containerd",
}
PATIENCE = 60
# Its modules and its listener are made after those words: what ends it, ends it within milliseconds.
LISTENS_NO_MORE = "Failed to listen and serve"  # kubelet's, which then ends
GRACE = {"kubelet": 0.5}
# Nothing of this machine is written to: /etc is an overlay, the rest is empty.
ENTER = """for d in /run /var/lib /var/log; do mount -t tmpfs none "$d"; done
mkdir -p /run/up /run/work /var/lib/kubelet /var/log/kubernetes
mkdir -m 700 /var/lib/etcd
mount -t overlay none /etc -o lowerdir=/etc,upperdir=/run/up,workdir=/run/work
cp -r "$1/etc" /
ip link set lo up
ip address add 10.77.0.11/32 dev lo
if [ "$2" ]; then
  "$2" --config=/etc/containerd/config.toml >/dev/null 2>&1 &
  for i in $(seq 100); do [ ! -S /run/containerd/containerd.sock ] || break; sleep 0.1; done
fi
shift 2
cd /run
exec "$@"
"""
# With its real runtime it comes to the end of its start; its cgroups and plugins would be this machine's.
OF_KUBELET = ["--cgroups-per-qos=false", "--enforce-node-allocatable=", "--volume-plugin-dir=/run/plugins"]


def make_certificates(folder):
    """One authority and one key for everything: no component asks who, only whether it can read them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(1).not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256()))
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    os.makedirs(folder, exist_ok=True)
    for authority in ("cluster", "etcd", "front-proxy"):
        write(os.path.join(folder, f"ca-{authority}.crt"), pem)
    for owner in ("kubelet-client", "kubelet-server", "kube-proxy", "etcd-server", "etcd-peer", "etcd-client", "kube-apiserver",
                  "kube-apiserver-kubelet-client", "front-proxy-client", "kube-controller-manager", "kube-scheduler"):
        os.makedirs(os.path.join(folder, owner), exist_ok=True)
        for file, text in (("tls.crt", pem), ("tls.key", secret), ("ca.crt", pem)):
            write(os.path.join(folder, owner, file), text)
    write(os.path.join(folder, "service-account.key"), secret)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(text if isinstance(text, bytes) else text.encode())


def words_of(text):
    """The line by which it ended, as short as it can be told."""
    lines = [line for line in text.splitlines() if re.search(r"err=|rror|invalid|unknown|fatal|flag", line)]
    return (lines or text.splitlines() or ["(no word)"])[-1][:300]


def start(releases, root, program, arguments):
    """(True, "") where it goes on; (False, its words) where it ends."""
    def path_of(name):
        path = os.path.join(releases, RELEASE[name])
        return os.path.join(path, sorted(os.listdir(path))[-1], "bin", name)
    runtime = ""
    if program == "kubelet":
        runtime = path_of("containerd")
        named = {word.partition("=")[0] for word in arguments}
        arguments = [*arguments, *(word for word in OF_KUBELET if word.partition("=")[0] not in named)]
    words = ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
             "sh", "-ec", ENTER, "sh", root, runtime, path_of(program), *arguments]
    environment = {"PATH": os.environ["PATH"], "GOMAXPROCS": "2"}
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment, start_new_session=True) as process:
        text, end, goes_on = "", time.monotonic() + PATIENCE, False
        try:
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    return True, ""  # it runs, whatever it waits for
                if not select.select([process.stdout], [], [], left)[0]:
                    continue
                read = os.read(process.stdout.fileno(), 65536)
                text += read.decode(errors="replace")
                if not read:
                    process.wait()
                    return False, words_of(text)
                if LISTENS_NO_MORE in text:
                    return False, words_of(text[text.index(LISTENS_NO_MORE):])
                if not goes_on and re.search(GOES_ON[program], text):
                    goes_on, end = True, time.monotonic() + GRACE.get(program, 0)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
