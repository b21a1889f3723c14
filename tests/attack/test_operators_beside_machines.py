"""What people ask for holds up no machine: their calls have workers of their own."""
import itertools
import threading
import time

import pytest
from conftest import CLUSTER, node
from test_restricted_operator import Job

MACHINES, AT_ONCE, SECONDS = 3000, 8, 6
REPORT = {"machineId": "n1", "bootId": "b1", "agentVersion": "1", "documentDigest": "", "generation": 1, "verdict": "converged",
          "failureClass": "", "message": "", "offline": False, "pending": [], "phases": [], "etcdClusterId": "", "etcdMemberId": ""}


def large(name):
    """As one text: a cluster of 3 000 machines."""
    rows = [CLUSTER.replace("name: lab", f"name: {name}").replace("10.64.0.0/16", "10.128.0.0/11\n  nodeCidr: 10.77.0.0/16")]
    for number in range(MACHINES):
        rows.append(node(f"w{number}", "master" if number == 0 else "node", 1).replace("cluster: lab", f"cluster: {name}")
                    .replace("10.77.0.1,", f"10.77.{number // 250}.{number % 250 + 1},")
                    .replace("02:4d:55:00:00:01", "02:4d:55:01:%02x:%02x" % (number // 256, number % 256)))
    return "".join(rows)


def reports_of(machine, seconds):
    """Seconds that each report took."""
    took, end = [], time.monotonic() + seconds
    counter = itertools.count(int(time.time() * 1000))
    while time.monotonic() < end:
        began = time.monotonic()
        status, answer = machine.ask("POST", "/v1/report", {**REPORT, "counter": next(counter), "sentAt": int(time.time())})
        took.append(time.monotonic() - began)
        assert status == 200, answer
        time.sleep(0.02)
    return sorted(took)


# Without optimisation a dry apply of 3 000 takes longer than its caller waits.
@pytest.mark.release_build
def test_dry_applies_of_large_inventories_hold_up_no_report(own_site):
    anna = Job(own_site, "anna")
    machine = own_site.enrolled("n1", "node", 21)
    body = {"clusters": ["large"], "files": {"cluster.yaml": large("large")}, "dryRun": True}
    quiet = reports_of(machine, 2)
    done, answers = threading.Event(), []

    def ask_again_and_again():
        while not done.is_set():
            answers.append(anna.ask("POST", "/v1/operator/apply", body))
    threads = [threading.Thread(target=ask_again_and_again) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    beside = reports_of(machine, SECONDS)
    done.set()
    for thread in threads:
        thread.join()
    statuses = [status for status, _ in answers]
    print(f"reports: median {quiet[len(quiet) // 2] * 1000:.0f} ms, slowest {quiet[-1] * 1000:.0f} ms; beside {len(answers)} dry applies: "
          f"median {beside[len(beside) // 2] * 1000:.0f} ms, slowest {beside[-1] * 1000:.0f} ms")
    assert set(statuses) <= {200, 503} and 200 in statuses, answers[0]
    assert beside[len(beside) // 2] < 3 * quiet[len(quiet) // 2]
