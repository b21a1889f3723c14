"""The CIS Kubernetes Benchmark, line by line (cis.txt), on the machines of a real cluster."""
import collections
import http.client
import json
import os
import re
import ssl

import pytest

from real_cluster import REPOSITORY, real_cluster

HERE = os.path.dirname(os.path.abspath(__file__))
MACHINES = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21")}
ROLES = {"control-plane": ["m1"], "every": ["m1", "n1"], "cluster": [""]}


def rows():
    with open(os.path.join(HERE, "cis.txt"), encoding="utf-8") as stream:
        lines = [line.rstrip("\n") for line in stream if line.strip() and not line.startswith("#")]
    return [tuple((line.split(None, 3) + [""])[:4]) for line in lines]


class Checks:
    """Each check by its word in cis.txt: what it found wrong; nothing where it holds."""

    def __init__(self, cluster):
        self.cluster = cluster

    def shell(self, host, command):
        return self.cluster.run(host, "sh", "-c", command, check=False).stdout

    def flag(self, host, words):
        program, wanted = words.split(None, 1)
        found = self.shell(host, f"tr '\\0' '\\n' </proc/$(pidof {program})/cmdline").splitlines()
        assert found, f"{program} does not run"
        is_forbidden, start = wanted.startswith("!"), wanted.lstrip("!")
        if any(argument.startswith(start) for argument in found) == is_forbidden:
            return f"{program} {wanted}, found {[one for one in found if one.startswith(start.split('=')[0])]}"
        return ""

    def text(self, host, words):
        path, wanted = words.split(None, 1)
        content = self.shell(host, f"cat {path}")
        is_forbidden, part = wanted.startswith("!"), wanted.lstrip("!").replace("|", "\n")
        return f"{path}: {wanted}" if not content or (part in content) == is_forbidden else ""

    def file(self, host, words):
        path, mode, owner = words.split()
        folder, below, end = path.partition("/**")
        look = f"find -L {folder} -type f -name '*{end}'" if below else f"ls -d {path}"
        found = [line.split(None, 2) for line in self.shell(host, f"{look} | xargs -r stat -L -c '%a %U:%G %n'").splitlines()]
        assert found, f"{host}: nothing at {path}"
        wrong = [line for line in found if int(line[0], 8) & ~int(mode, 8) or line[1] not in owner.split(",")]
        return f"{mode} {owner}, found {wrong}" if wrong else ""

    def none(self, host, words):
        return self.shell(host, f"ls -d {words} 2>/dev/null").strip()

    def answer(self, host, words):
        path, status = words.split()
        connection = http.client.HTTPSConnection(MACHINES[host][1], 6443, timeout=10, context=ssl._create_unverified_context())
        connection.request("GET", path)
        found = str(connection.getresponse().status)
        connection.close()
        return "" if found == status else f"{path} {status}, found {found}"

    def refused(self, host, words):
        listens = self.shell(host, f"ss -Hltn 'sport = :{words}'").split("\n")
        return "; ".join(line for line in listens if line and "127.0.0.1:" not in line)

    def kubectl(self, _host, words):
        arguments, _, expected = words.rpartition(" =")
        done = self.cluster.kubectl(*re.split(r" (?![^{]*\})", arguments), check=False)
        found = done.stdout.strip()
        if "clusterrolebindings" in arguments:
            found = "|".join(sorted(found.splitlines()))
        return "" if found == expected.strip() else f"{expected.strip() or 'nothing'}, found {found or done.stderr.strip() or 'nothing'}"


@pytest.fixture(scope="module")
def cluster():
    with real_cluster(MACHINES) as made:
        yield made


@pytest.mark.long
def test_every_line_holds_or_is_argued(cluster):
    checks = Checks(cluster)
    wrong, counts, argued = [], collections.Counter(), set()
    for number, role, check, words in rows():
        if check == "argued":
            argued.add((number, role))
            continue
        for host in ROLES[role]:
            found = getattr(checks, check)(host, words)
            if found:
                wrong.append(f"{number} {host or role}: expected {check} {found}")
    for number, role in sorted({(row[0], row[1]) for row in rows()}):
        counts[role, "argued exception" if (number, role) in argued else "pass"] += 1
    for (role, result), count in sorted(counts.items()):
        print(f"{role}: {result} {count}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
def test_the_hardened_profile_is_in_effect(cluster):
    example = os.path.join(REPOSITORY, "scripts", "examples", "hardened", "cluster.yaml")
    with open(example, encoding="utf-8") as stream:
        text = stream.read().replace("name: hardened}\nspec:\n  kubernetes", "name: lab}\nspec:\n  kubernetes").replace("cluster: hardened", "cluster: lab")
    with open(os.path.join(cluster.inventory, "cluster.yaml"), "w", encoding="utf-8") as out:
        out.write(text)
    cluster.muster("apply", cluster.inventory)
    cluster.wait_for("what waits", lambda: cluster.report("m1")["pending"], 90)
    for name in MACHINES:
        cluster.muster("node", "converge", name, "--cluster", "lab")
    cluster.wait_for("the new flags", lambda: cluster.report("m1")["verdict"] == "converged", 120)
    checks = Checks(cluster)
    for program, argument in (("kube-apiserver", "--enable-admission-plugins=DenyServiceExternalIPs,EventRateLimit,NodeRestriction"),
                              ("kube-apiserver", "--request-timeout=60s"), ("kube-controller-manager", "--terminated-pod-gc-threshold=500")):
        assert checks.flag("m1", f"{program} {argument}") == ""
    refused = cluster.kubectl("create", "-f", "-", text_input=json.dumps(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [{"port": 1}], "externalIPs": ["192.0.2.1"]}}), check=False)
    assert "Use of external IPs is denied by admission control" in refused.stderr, refused
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
           "spec": {"containers": [{"name": "x", "image": "x", "securityContext": {"privileged": True}}]}}
    refused = cluster.kubectl("create", "-f", "-", text_input=json.dumps(pod), check=False)
    assert 'violates PodSecurity "baseline:latest": privileged' in refused.stderr, refused
    created = [cluster.kubectl("create", "-f", "-", text_input=json.dumps(
        {"kind": "List", "apiVersion": "v1", "items": [
            {"apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e{number}"}, "involvedObject": {"namespace": "default"}} for number in range(400)]}),
        check=False)]
    assert "limit reached on type Namespace" in created[0].stderr, created[0].stderr[-300:]


def test_the_list_has_every_number_of_the_benchmark_once_argued_or_checked():
    last = {"1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1, "5.1": 13, "5.2": 12, "5.3": 2, "5.4": 2,
            "5.5": 1, "5.6": 4}
    wanted = {f"{section}.{number}" for section, count in last.items() for number in range(1, count + 1)}
    assert {row[0] for row in rows()} == wanted
    assert {row[1] for row in rows()} <= set(ROLES)
    for number, _role, check, words in rows():
        assert check == "argued" or callable(getattr(Checks, check, None)), (number, check)
        assert words, number
