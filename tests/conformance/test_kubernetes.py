"""Kubernetes' own conformance tests, all of them, on a master and two workers. What they are made of: kubernetes/build."""
import os
import subprocess
import xml.etree.ElementTree

import pytest

from real_cluster import LAB, VERSION, real_cluster

pytestmark = pytest.mark.long
HERE = os.path.dirname(os.path.abspath(__file__))
MACHINES = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21"), "n2": ("node", "10.77.0.22")}
CTR = "/opt/muster/current/containerd/bin/ctr"
# What cannot pass where no registry can be reached, by a part of its name.
CANNOT_PASS_HERE = {}
# Those that want the cluster for themselves run alone, after the others.
ALONE = "Serial || Slow || Disruptive"
PASSES = {"together": (f"Conformance && !({ALONE})", "2"), "alone": (f"Conformance && ({ALONE})", "1")}
TESTS = 446  # of test/conformance/testdata/conformance.yaml


@pytest.fixture(scope="module")
def suite():
    built = subprocess.run([os.path.join(HERE, "kubernetes", "build"), VERSION], stdout=subprocess.PIPE, text=True, check=False)
    assert built.returncode == 0, "kubernetes/build: its words are above"
    return built.stdout.strip()


@pytest.fixture(scope="module")
def cluster(suite):
    def import_images(host):
        with open(os.path.join(suite, "images.tar"), "rb") as archive:
            subprocess.run([LAB, "run", host, "--", CTR, "-n", "k8s.io", "images", "import", "-"], stdin=archive, check=True, timeout=600)

    with real_cluster(MACHINES) as made:
        made.on_each(MACHINES, import_images)
        yield made


def outcomes(report):
    """{test: None | what it said}; those that were not asked for are left out."""
    found = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        if "[Conformance]" not in case.get("name") or case.find("skipped") is not None:
            continue
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        found[case.get("name")] = None if wrong is None else (wrong.get("message") or wrong.text or "").strip()
    return found


def run(suite, cluster, name, folder):
    labels, processes = PASSES[name]
    report = os.path.join(folder, f"{name}.xml")
    command = [os.path.join(suite, "ginkgo"), f"--procs={processes}", "--no-color", f"--label-filter={labels}", "--timeout=3h", "--output-dir", str(folder),
               f"--junit-report={name}.xml", os.path.join(suite, "e2e.test"), "--", "--provider=skeleton", f"--kubeconfig={cluster.kubeconfig}",
               "--num-nodes=2", "--allowed-not-ready-nodes=0", "--minStartupPods=1", "--disable-log-dump"]
    with open(os.path.join(folder, f"{name}.log"), "wb") as log:
        ended = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, cwd=folder)
    assert os.path.exists(report), f"ginkgo ended with {ended.returncode} and wrote no report: see {log.name}"
    return outcomes(report)


def test_every_conformance_test_passes(suite, cluster, tmp_path):
    cluster.kubectl("get", "nodes")
    found = {}
    for name in PASSES:
        found |= run(suite, cluster, name, tmp_path)
    failed = {test: words for test, words in found.items() if words is not None}
    unexpected = {test: words for test, words in failed.items() if not any(part in test for part in CANNOT_PASS_HERE)}
    print(f"{len(found)} of {TESTS} ran: {len(found) - len(failed)} passed, {len(failed) - len(unexpected)} cannot pass here, {len(unexpected)} failed; {tmp_path}")
    assert not unexpected, "\n".join(f"{test}: {words[:400]}" for test, words in sorted(unexpected.items()))
    assert len(found) == TESTS
