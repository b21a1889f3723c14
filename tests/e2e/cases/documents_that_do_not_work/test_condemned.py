"""What a document breaks condemns it, whichever component it is; what somebody else breaks meanwhile does not."""
import time

import pytest

from well_again import ONE_POLL, await_well, show

ARGUMENTS = "componentArguments: {"
PROFILE = "reservedPolicy: none"
pytestmark = pytest.mark.long


def has_fallen_back(cluster, name):
    return cluster.report(name).get("configuration") == "fallen-back"


def await_pending(cluster, name):
    cluster.wait_for(f"{name}'s pending change", lambda: cluster.report(name)["pending"], ONE_POLL)


@pytest.mark.parametrize("host, component", [("n1", "kube-proxy"), ("m3", "kube-scheduler"), ("m3", "kube-controller-manager")])
def test_a_component_that_exits_on_its_flags(cluster, host, component):
    """Of two flags that are sound by themselves, which nothing but the component knows of. Its start is no failure, and the Node is Ready all along."""
    unit, arguments = f"{component}.service", f"/etc/muster/arguments/{component}.env"
    await_well(cluster, host)
    settled = show(cluster, host)["report"]["documentDigest"]
    with cluster.changed_inventory(ARGUMENTS, f"{ARGUMENTS}{component}: {{logging-format: json, vmodule: a=1}}, "):
        await_pending(cluster, host)
        began = time.monotonic()
        cluster.muster("node", "converge", host, "--cluster", "lab")
        cluster.wait_for(f"{host} to fall back", lambda: has_fallen_back(cluster, host), 120)
        print(f"{host}: {component} exits, fell back {time.monotonic() - began:.0f} s after the order")
        told = show(cluster, host)
        report = told["report"]
        assert report["documentDigest"] == settled
        assert report["refusedDocument"]["digest"] == report["fetchedDigest"] == told["digest"] != settled
        assert report["failure"]["unit"] == unit, report
        words = "\n".join(report["failure"]["log"])
        assert "vmodule" in words, words
        assert unit in report["failure"]["cure"], report
        print(cluster.muster("node", "show", host, "--cluster", "lab").stdout)
        assert "vmodule" not in cluster.run(host, "cat", arguments).stdout
        pid = cluster.run(host, "systemctl", "show", "-P", "MainPID", unit).stdout
        time.sleep(3)
        assert cluster.run(host, "systemctl", "show", "-P", "MainPID", unit).stdout == pid != "0\n"
        assert host in cluster.ready_nodes()
    await_well(cluster, host)


def test_containerd_killed_while_kubelet_starts_with_a_new_document(cluster):
    await_well(cluster, "n1")
    with cluster.changed_inventory(PROFILE, "maxPods: 79\n    " + PROFILE):
        await_pending(cluster, "n1")
        lines = len(cluster.journal("n1").splitlines())
        kills = "for i in $(seq 20); do systemctl kill --signal=KILL --kill-whom=main containerd.service; sleep 0.4; done"
        ended = cluster.run("n1", "sh", "-c", f"({kills}) >/dev/null 2>&1 & muster-agent converge --now; echo exit status $?; wait", timeout=180)
        print(ended.stdout, ended.stderr)
        cluster.wait_for("n1 to settle by itself", lambda: show(cluster, "n1")["report"]["documentDigest"] == show(cluster, "n1")["digest"], 3 * ONE_POLL)
        told = ended.stderr + "\n".join(cluster.journal("n1").splitlines()[lines:])
        assert "going back to the last document" not in told, told
        assert not cluster.report("n1").get("refusedDocument")
        assert cluster.run("n1", "grep", "^maxPods:", "/etc/kubernetes/kubelet.yaml").stdout.strip() == "maxPods: 79"
        # Its restarts are told for five minutes.
        await_well(cluster, "n1", 300 + 2 * ONE_POLL)
    await_pending(cluster, "n1")
    cluster.muster("node", "converge", "n1", "--cluster", "lab")
    cluster.wait_for("n1's turn", lambda: not cluster.report("n1")["pending"], ONE_POLL)
    await_well(cluster, "n1")


def test_a_drop_in_of_a_person_condemns_no_document(cluster):
    """The settled document fails alike: it is tried on, also by another agent, and taken once the drop-in is gone."""
    await_well(cluster, "n1")
    dropin = "/etc/systemd/system/kubelet.service.d/50-person.conf"
    with cluster.changed_inventory(PROFILE, "maxPods: 77\n    " + PROFILE):
        await_pending(cluster, "n1")
        cluster.run("n1", "sh", "-c", f"mkdir -p $(dirname {dropin}) && printf '[Service]\\nExecStartPre=/bin/false\\n' >{dropin} && systemctl daemon-reload")
        cluster.run("n1", "muster-agent", "converge", "--now", check=False, timeout=300)
        for _ in range(2):
            report = show(cluster, "n1")["report"]
            assert report["configuration"] == "trying" and not report.get("refusedDocument"), report
            cluster.run("n1", "systemctl", "restart", "muster-agent.service")
            cluster.converge("n1", check=False)
        cluster.run("n1", "sh", "-c", f"rm {dropin} && systemctl daemon-reload")
        # By itself after its pause, which has grown by now; who mended it need not wait.
        cluster.run("n1", "muster-agent", "converge", "--now", timeout=300)
        cluster.wait_for("n1 to settle", lambda: show(cluster, "n1")["report"]["documentDigest"] == show(cluster, "n1")["digest"], ONE_POLL)
        assert cluster.run("n1", "grep", "^maxPods:", "/etc/kubernetes/kubelet.yaml").stdout.strip() == "maxPods: 77"
    await_pending(cluster, "n1")
    cluster.muster("node", "converge", "n1", "--cluster", "lab")
    cluster.wait_for("n1's turn", lambda: not cluster.report("n1")["pending"], ONE_POLL)
    await_well(cluster, "n1", 300 + 2 * ONE_POLL)
