"""What `muster validate --with-releases` says of a setting equals what the component itself says when it is started with it.

A cell is a setting with one value, at the edges of its type. 40 are in the gate, the table's hundreds under --long. What
Muster decides itself, and says so, is no cell.
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess

import pytest
from edge_values import field_cells, flag_cells
from started_component import RELEASE, make_certificates, start, write

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci"))
MUSTER = os.path.join(BUILD, "metadata-server", "cli", "muster")
TABLE = os.path.join(REPOSITORY, "metadata-server", "inventory", "component_options.json")
RELEASES = os.path.join(os.environ.get("MUSTER_CACHE", "/var/cache/muster"), "releases")
AT_ONCE = 4
# Refused by Muster for what it is, not since the component would: these are its own rules.
OWN = re.compile(r"that is the operator's|takes no protection away|without a user and a password|a field of KubeletConfiguration"
                 r"|no credentials in a document|write it in quotes")
# Whether the machine has a file of its own, nobody knows beforehand.
ABSENT = re.compile(r"no such file or directory")
# It is looked at after all lists were read from an API server, which the bench has none of; the checker's words are the
# component's own validation.
LATER = [("kube-scheduler", re.compile("leader-elect-.*"))]

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces")]

GATE = [
    ("kubelet", "v", "-1"), ("kubelet", "max-open-files", "-1"), ("kubelet", "logging-format", "jsno"), ("kubelet", "hairpin-mode", "none"),
    ("kubelet", "feature-gates", "Foo=true"), ("kubelet", "feature-gates", "AllAlpha=false"), ("kubelet", "cpu-cfs-quota-period", "0s"),
    ("kubelet", "network-plugin", "cni"), ("kubelet", "event-qps", "2147483648"), ("kubelet", "cloud-provider", ""),
    ("extra", "imageGCHighThresholdPercent", "101"), ("extra", "imageGCLowThresholdPercent", "85"), ("extra", "topologyManagerPolicy", "foo"),
    ("extra", "featureGates", "{Foo: true}"), ("extra", "cpuCFSQuotaPeriod", "2s"), ("extra", "nodeLeaseDurationSeconds", "0"),
    ("extra", "registryBurst", "-1"), ("extra", "memorySwap", "{swapBehavior: Foo}"), ("extra", "eventRecordQPS", "0"),
    ("extra", "podsPerCore", "5"),
    ("kube-proxy", "v", "2"), ("kube-proxy", "logging-format", "xml"), ("kube-proxy", "oom-score-adj", "x"),
    ("kube-apiserver", "max-requests-inflight", "-1"), ("kube-apiserver", "event-ttl", "1"), ("kube-apiserver", "audit-log-mode", "sync"),
    ("kube-apiserver", "enable-admission-plugins", "PodSecurty"), ("kube-apiserver", "enable-admission-plugins", "AlwaysPullImages"),
    ("kube-apiserver", "goaway-chance", "0.03"), ("kube-apiserver", "runtime-config", "api/all=true"),
    ("kube-apiserver", "service-account-max-token-expiration", "10m"), ("kube-apiserver", "storage-media-type", "text/plain"),
    ("kube-controller-manager", "controllers", "*,-foo"), ("kube-controller-manager", "concurrent-job-syncs", "0"),
    ("kube-controller-manager", "node-monitor-grace-period", "1m"), ("kube-scheduler", "feature-gates", "Foo=true"),
    ("kube-scheduler", "kube-api-qps", "-1"), ("etcd", "election-timeout", "200"), ("etcd", "log-level", "loud"),
    ("containerd", "log-level", "debug"),
]


def cluster_with(component, name, value):
    if component == "extra":
        profile = ("---\napiVersion: muster/v1\nkind: Profile\nmetadata: {name: all}\nspec:\n  kubelet:\n    extraConfiguration:\n"
                   f"      {name}: {value}\n")
        setting = "  profiles: [all]\n"
    else:
        profile = ""
        setting = f"  componentArguments:\n    {component}:\n      {name}: {json.dumps(value)}\n" if component else ""
    return ("apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n"
            f"  serviceCidr: 10.96.0.0/16\n{setting}---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: m1}}\n"
            "spec: {cluster: lab, role: master, address: 10.77.0.11, match: {mac: ['52:54:00:00:00:11']}}\n" + profile)


def sysctl(key, value):
    """Returns what it was."""
    path = os.path.join("/proc/sys", key.replace(".", "/"))
    with open(path, encoding="ascii") as stream:
        before = stream.read().strip()
    if before != value:
        with open(path, "w", encoding="ascii") as out:
            out.write(value)
    return before


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.base = json.loads(self.muster("render", "m1", self.inventory("base", "", "", ""), "-o", "json")[1])

    def inventory(self, cell, component, name, value):
        folder = os.path.join(self.folder, cell)
        write(os.path.join(folder, "cluster.yaml"), cluster_with(component, name, value))
        return folder

    @staticmethod
    def muster(*arguments):
        done = subprocess.run([MUSTER, *arguments, "--with-releases", RELEASES], capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def started(self, cell, component, name, value, rendered=None):
        """The component with what is rendered; of what is refused, with the base and this one setting."""
        program = "kubelet" if component == "extra" else component
        root = os.path.join(self.folder, cell + ".root")
        machine = rendered or self.base
        arguments = list(machine["commands"][program])
        for file in machine["files"]:
            if re.match("/etc/(kubernetes|containerd|muster)/", file["path"]):
                write(root + file["path"], self.of_this_machine(file["content"]))
        make_certificates(root + "/etc/kubernetes/pki")
        write(root + "/etc/kubernetes/encryption.yaml", ENCRYPTION)
        if rendered:
            pass
        elif component == "extra":
            with open(root + "/etc/kubernetes/kubelet.conf.d/10-document.conf", "a", encoding="utf-8") as out:
                out.write(f"\n{name}: {value}\n")
        else:
            arguments = [word for word in arguments if not word.startswith(f"--{name}=")] + [f"--{name}={value}"]
        try:
            return start(RELEASES, root, program, arguments)
        finally:
            shutil.rmtree(root)

    def set_kernel(self):
        """What kubelet insists on is the kernel's, of no namespace: as muster-kernel.service sets it. Returns what was."""
        (text,) = [file["content"] for file in self.base["files"] if file["path"] == "/etc/sysctl.d/90-muster.conf"]
        wanted = dict(re.findall(r"^(vm\.\S+|kernel\.panic\S*) = (.*)$", text, re.MULTILINE))
        assert {"vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops"} <= set(wanted), text
        return {key: sysctl(key, value) for key, value in wanted.items()}

    @staticmethod
    def of_this_machine(text):
        """The machine's cgroups are an input of the agent's."""
        if "kind: KubeletConfiguration" not in text or os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            return text
        return text.replace("cgroupDriver: systemd", "cgroupDriver: cgroupfs") + ("failCgroupV1: false\n" if "cgroupDriver" in text else "")

    def judge(self, number, component, name, value):
        """None where both say the same; else a line that tells what each said."""
        cell = f"cell{number}"
        folder = self.inventory(cell, component, name, value)
        status, _, words = self.muster("validate", folder)
        if status == 3 and OWN.search(words):
            return "Muster's own rule"
        assert status in (0, 3), words
        rendered = json.loads(self.muster("render", "m1", folder, "-o", "json")[1]) if status == 0 else None
        runs, said = self.started(cell, component, name, value, rendered)
        shutil.rmtree(os.path.join(self.folder, cell))
        if runs == (status == 0):
            return None
        if ABSENT.search(said):
            return "unknowable"
        if runs and any(component == program and flags.fullmatch(name) for program, flags in LATER):
            return "looked at later"
        return f"{component} {name}={value}: validate: {'sound' if status == 0 else words.splitlines()[0]}; component: {said or 'goes on'}"


ENCRYPTION = """apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}]}
  - identity: {}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    if not os.path.isdir(os.path.join(RELEASES, "config-checker")):
        subprocess.run([os.path.join(REPOSITORY, "scripts", "components"), "config-checker"], check=True)
    bench = Bench(str(tmp_path_factory.mktemp("cells")))
    before = bench.set_kernel()
    yield bench
    for key, value in before.items():
        sysctl(key, value)


def compare(bench, cells, capsys):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(lambda numbered: bench.judge(numbered[0], *numbered[1]), enumerate(cells)))
    apart = {kind: verdicts.count(kind) for kind in ("Muster's own rule", "unknowable", "looked at later")}
    different = [verdict for verdict in verdicts if verdict is not None and verdict not in apart]
    with capsys.disabled():
        print(f"\n{len(cells)} cells: {verdicts.count(None)} agree, {len(different)} differ; apart: {apart}")
    assert not different, "\n".join(different)
    return sum(apart.values())


def test_a_sound_inventory_starts_every_component(bench):
    found = {program: bench.started("sound", program, "v" if program.startswith("k") else "log-level", "2" if program.startswith("k") else "info")
             for program in RELEASE}
    assert found == {program: (True, "") for program in RELEASE}


def test_forty_cells(bench, capsys):
    assert compare(bench, GATE, capsys) == 0


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_every_field_at_its_edges(bench, capsys, part):
    with open(TABLE, encoding="ascii") as stream:
        table = json.load(stream)
    cells = [*flag_cells(table, 2), *field_cells(table)]
    compare(bench, cells[part::4], capsys)
