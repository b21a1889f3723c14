"""What components are started with, damaged by hand on real hosts: secrets of a master, a file under a kubelet that a person
restarts, a condition that keeps a unit from starting, and a kube-proxy that hangs. The seconds until each is right or told
are printed."""
import json
import time

import pytest

from well_again import ONE_POLL, await_well, subjects

pytestmark = pytest.mark.long

SECRETS = ("/etc/kubernetes/pki/service-account.key", "/etc/kubernetes/encryption.yaml")
KUBELET = "/etc/kubernetes/kubelet.yaml"


def digest(cluster, host, path):
    return cluster.run(host, "sha256sum", path, check=False).stdout.split(" ")[0]


def process(cluster, host, unit):
    return cluster.run(host, "systemctl", "show", "-P", "MainPID", unit).stdout.strip()


def message(cluster, host, subject):
    return next((problem["message"] for problem in cluster.report(host).get("unwell", []) if problem["subject"] == subject), "")


@pytest.mark.parametrize("damage", [": >{}", "echo x >>{}", "rm {0}; mkdir {0}; touch {0}/x"])
def test_secrets_come_back(cluster, damage):
    await_well(cluster, "m1")
    was = {path: digest(cluster, "m1", path) for path in SECRETS}
    api_server = process(cluster, "m1", "kube-apiserver.service")
    for path in SECRETS:
        cluster.run("m1", "sh", "-ec", damage.format(path))
        assert digest(cluster, "m1", path) != was[path]
    began = time.monotonic()
    cluster.wait_for("the secrets", lambda: {path: digest(cluster, "m1", path) for path in SECRETS} == was, ONE_POLL, pause=0.5)
    print(f"secrets were right after {time.monotonic() - began:.1f} s")
    for path in SECRETS:
        assert cluster.run("m1", "stat", "-c", "%a %U %F", path).stdout.strip() == "600 root regular file"
    assert process(cluster, "m1", "kube-apiserver.service") == api_server
    # As it is left, it starts.
    cluster.run("m1", "systemctl", "restart", "kube-apiserver.service")
    await_well(cluster, "m1")


def test_a_kubelet_on_an_edited_file_waits_for_its_restart(cluster):
    await_well(cluster, "n1")
    was = digest(cluster, "n1", KUBELET)
    cluster.run("n1", "sh", "-ec", f"sed -i 's/^maxPods: .*/maxPods: 17/' {KUBELET}; systemctl restart kubelet.service")
    edited, began = process(cluster, "n1", "kubelet.service"), time.monotonic()
    assert digest(cluster, "n1", KUBELET) != was
    waits = [f"kubelet.service: restart: started with a changed {KUBELET}"]
    cluster.wait_for("it to be pending", lambda: cluster.report("n1").get("pending") == waits, ONE_POLL, pause=0.5)
    print(f"it was pending after {time.monotonic() - began:.1f} s")
    assert digest(cluster, "n1", KUBELET) == was
    assert process(cluster, "n1", "kubelet.service") == edited
    cluster.converge("n1", "--now")
    assert process(cluster, "n1", "kubelet.service") != edited
    await_well(cluster, "n1")
    assert not cluster.report("n1").get("pending")


def test_an_edit_that_was_taken_back_is_known(cluster):
    await_well(cluster, "n1")
    was = digest(cluster, "n1", KUBELET)
    cluster.run("n1", "sh", "-ec", f"cp {KUBELET} /root/was; sed -i 's/^maxPods: .*/maxPods: 17/' {KUBELET}; "
                f"systemctl restart kubelet.service; cat /root/was >{KUBELET}; rm /root/was")
    edited, began = process(cluster, "n1", "kubelet.service"), time.monotonic()
    assert digest(cluster, "n1", KUBELET) == was
    # Or the agent looked in between.
    texts = (f"started before a change of {KUBELET}, with what is not known", f"started with a changed {KUBELET}")
    waits = [[f"kubelet.service: restart: {text}"] for text in texts]
    cluster.wait_for("it to be pending", lambda: cluster.report("n1").get("pending") in waits, ONE_POLL, pause=0.5)
    print(f"it was pending after {time.monotonic() - began:.1f} s: {cluster.report('n1')['pending']}")
    cluster.converge("n1", "--now")
    assert process(cluster, "n1", "kubelet.service") != edited
    await_well(cluster, "n1")
    assert not cluster.report("n1").get("pending")


@pytest.mark.parametrize("setting", ["ConditionPathExists", "AssertPathExists"])
def test_a_unit_that_is_skipped_is_told(cluster, setting):
    await_well(cluster, "n1")
    folder = "/etc/systemd/system/kube-proxy.service.d"
    cluster.run("n1", "sh", "-ec", f"mkdir {folder}; printf '[Unit]\\n{setting}=/nope\\n' >{folder}/site.conf; "
                "systemctl daemon-reload; systemctl stop kube-proxy.service")
    began = time.monotonic()
    told = (f"unit 'kube-proxy.service': not started, since {setting}=/nope does not hold; "
            f"take it out of {folder}/site.conf, then run: systemctl daemon-reload")
    try:
        cluster.wait_for("it to be told", lambda: told in message(cluster, "n1", "kube-proxy.service"), ONE_POLL, pause=0.5)
        print(f"it was told after {time.monotonic() - began:.1f} s: {message(cluster, 'n1', 'kube-proxy.service')}")
        assert f"drop-in {folder}/site.conf" in subjects(cluster, "n1")
    finally:
        cluster.run("n1", "sh", "-ec", f"rm -r {folder}; systemctl daemon-reload")
    await_well(cluster, "n1", 3 * ONE_POLL)
    assert process(cluster, "n1", "kube-proxy.service") != "0"


def test_a_kube_proxy_that_hangs_is_told(cluster):
    await_well(cluster, "n1")

    def finding():
        return json.loads(cluster.run("n1", "cat", "/run/muster-monitor/kube-proxy.json").stdout)
    cluster.wait_for("a healthy kube-proxy", lambda: finding()["healthy"], 60)
    cluster.run("n1", "systemctl", "kill", "--signal=STOP", "--kill-whom=main", "kube-proxy.service")
    began = time.monotonic()
    try:
        cluster.wait_for("the monitor to see it", lambda: not finding()["healthy"], 60)
        cluster.wait_for("it to be told", lambda: "unit kube-proxy.service" in subjects(cluster, "n1"), ONE_POLL, pause=0.5)
        print(f"it was told after {time.monotonic() - began:.1f} s: {message(cluster, 'n1', 'unit kube-proxy.service')}")
    finally:
        cluster.run("n1", "systemctl", "kill", "--signal=CONT", "--kill-whom=main", "kube-proxy.service", check=False)
    await_well(cluster, "n1")
