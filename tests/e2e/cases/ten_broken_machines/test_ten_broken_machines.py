"""A machine broken in ten ways, one after the other: each time `muster status` or `muster node show` alone, on the
server, names the cause and the cure. Ends by printing the table."""
import glob
import hashlib
import json
import os

import pytest

pytestmark = pytest.mark.long

N6, MAC, WRONG_MAC = "10.77.0.26", "02:4d:55:00:00:1a", "02:4d:55:00:00:fe"
SETTINGS = "/etc/muster/agent.json"
table = []


@pytest.fixture(scope="module")
def n6(cluster):
    """In the inventory with another MAC than it has; it was never let in."""
    cluster.add_node("n6", N6, mac=WRONG_MAC)
    cluster.apply()
    cluster.power_on({"n6": ("node", N6)})
    yield cluster
    cluster.remove_node("n6")
    print("\n" + "\n".join(f"{way:<28} {shown}\n{'':<28} cure: {cure}" for way, shown, cure in table))


def node(cluster):
    return json.loads(cluster.muster("node", "show", "n6", "-o", "json").stdout)


def told(cluster, way, *words, seconds=20):
    """Waits until the server alone tells all of `words`, in both of its forms for people."""
    def tells():
        row = node(cluster)
        return all(word in f"{row['reason']} {row['cure']} {json.dumps(row.get('report'), ensure_ascii=False)}" for word in words)
    try:
        cluster.wait_for(f"{way} to be told", tells, seconds)
    except Exception as late:
        raise AssertionError(f"{way}: {words} not all in\n{cluster.muster('node', 'show', 'n6').stdout}") from late
    row, shown = node(cluster), cluster.muster("node", "show", "n6").stdout
    assert all(word in shown for word in words), shown
    assert row["reason"] and row["cure"], row
    if row["state"] != "banned":
        status = cluster.muster("status").stdout
        assert f"lab/n6: {row['reason']}" in status and f"cure: {row['cure']}" in status, status
    table.append((way, row["reason"], row["cure"]))
    return row


def settings(cluster, **changed):
    """The machine's settings with these fields changed; what they were."""
    before = json.loads(cluster.run("n6", "cat", SETTINGS).stdout)
    cluster.run("n6", "sh", "-c", f"cat >{SETTINGS}", text_input=json.dumps({**before, **changed}))
    return before


def agent(cluster, verb):
    cluster.run("n6", "systemctl", verb, "muster-agent.service")


def failed(cluster):
    """One attempt of a machine that cannot make it."""
    done = cluster.converge("n6", check=False)
    assert done.returncode == 1, done.stderr


def test_wrong_mac_waits_and_is_no_failure(n6):
    told(n6, "wrong MAC", "waits for approval", f"MAC {MAC}", f"is to have MAC {WRONG_MAC}", "muster approve n6")
    n6.wait_for("the agent to be READY", lambda: n6.run("n6", "systemctl", "is-active", "muster-agent", check=False).returncode == 0, 20)
    state = n6.run("n6", "systemctl", "show", "-p", "StatusText", "muster-agent").stdout
    assert "waiting for approval; on the server: muster approve NAME --fingerprint sha256:" in state
    waits = n6.run("n6", "muster-agent", "status", check=False).stdout.splitlines()[0]
    assert waits.startswith("waits        waiting for approval"), waits
    assert "waiting for approval" in n6.run("n6", "cat", "/run/issue.d/muster.issue").stdout
    assert n6.journal("n6").count("waiting for approval") == 1
    assert f"MAC {MAC}" in n6.muster("pending").stdout


def test_wrong_pin(n6):
    before = settings(n6, sitePin="sha256:" + "0" * 64)
    n6.add_node("n6", N6, mac=MAC)
    n6.apply()
    agent(n6, "restart")
    try:
        told(n6, "wrong pin", "asked for the trust list and went away", "sitePin", f"from {N6}", seconds=60)
    finally:
        settings(n6, sitePin=before["sitePin"])


def test_wrong_token(n6):
    before = settings(n6, token="0123456789abcdef.0123456789abcdef0123456789abcdef")
    agent(n6, "restart")
    try:
        told(n6, "wrong token", "not let in", "token", f"from {N6}", "muster token create")
    finally:
        agent(n6, "stop")
        settings(n6, token=before["token"])


def test_port_taken(n6):
    squatter = "use Socket; socket(S,PF_INET,SOCK_STREAM,0); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1); " \
               "bind(S,sockaddr_in(10250,INADDR_ANY)) or die; listen(S,1); syswrite(STDOUT,\"up\\n\"); sleep 600"
    n6.run("n6", "systemd-run", "--unit=squatter", "-p", "CapabilityBoundingSet=", "perl", "-e", squatter)
    n6.wait_for("the squatter", lambda: "up" in n6.journal("n6", "squatter"), 10)
    try:
        failed(n6)
        told(n6, "port taken", "port 10250: expected free, found 'perl'", "stop 'perl'")
    finally:
        n6.run("n6", "systemctl", "stop", "squatter.service")


def test_full_disk(n6):
    n6.run("n6", "sh", "-c", "mkdir -p /etc/kubernetes && mount -t tmpfs -o size=8k tmpfs /etc/kubernetes")
    try:
        failed(n6)
        row = told(n6, "full disk", "No space left on device", "/etc/kubernetes", "free space on the file system of /etc/kubernetes")
        assert row["failureClass"] == "disk"
    finally:
        n6.run("n6", "umount", "/etc/kubernetes")


def test_altered_release(n6):
    # On the machine, so that it must be fetched, and on the server, so that what comes is another one.
    [image] = [path for path in n6.run("n6", "sh", "-c", "ls /opt/muster/releases/pause/*/images/*").stdout.split()]
    digest = n6.run("n6", "sha256sum", image).stdout.split()[0]
    n6.run("n6", "sh", "-c", f"printf x >>{image}")
    store = os.path.join(n6.state, "server", "artifacts")
    stored = os.path.join(store, "sha256", digest[:2], digest)
    with open(stored, "rb") as stream:
        good = stream.read()
    assert hashlib.sha256(good).hexdigest() == digest
    for path in glob.glob(f"{store}/**/*{digest}*", recursive=True):
        if path != stored:
            os.remove(path)  # its zstd form

    def store_bytes(content):
        with open(stored + ".new", "wb") as out:
            out.write(content)
        os.rename(stored + ".new", stored)
    store_bytes(bytes([good[0] ^ 1]) + good[1:])
    try:
        failed(n6)
        row = told(n6, "altered release", digest[:12], "muster release import")
        assert row["failureClass"] == "package"
    finally:
        store_bytes(good)


# Once a machine that has settled before falls back by itself, this is the case of one that never has.
def test_kubelet_that_exits(n6):
    policy = "  overrides: {kubelet: {extraConfiguration: {topologyManagerPolicy: NoSuchPolicy}}}"
    n6.add_node("n6", N6, mac=MAC, extra=policy)
    n6.apply()
    failed(n6)
    row = told(n6, "kubelet that exits", "NoSuchPolicy", "kubelet.service", "muster apply DIR")
    failure = row["report"]["failure"]
    assert failure["unit"] == "kubelet.service" and any("NoSuchPolicy" in line for line in failure["log"])
    n6.add_node("n6", N6, mac=MAC)
    n6.apply()
    n6.converge("n6")
    n6.wait_converged(["n6"], seconds=10)


def test_nic_without_its_address(n6):
    n6.add_node("n6", "10.77.0.36", mac=MAC)
    n6.apply()
    failed(n6)
    told(n6, "NIC without its address", "address: expected 10.77.0.36 on an interface", "give the NIC this address")
    n6.add_node("n6", N6, mac=MAC)
    n6.apply()
    n6.converge("n6")
    n6.wait_converged(["n6"], seconds=10)


def test_no_route_to_the_api(n6):
    masters = [f"10.77.0.{last}/32" for last in (11, 12, 13)]
    for master in masters:
        n6.run("n6", "ip", "route", "add", "unreachable", master)
    try:
        # Connections of before are cut with the balancer that holds them.
        n6.run("n6", "systemctl", "restart", "kube-api-balancer.service")
        n6.converge("n6")  # its configuration is settled: unwell, and no failure
        row = told(n6, "no route to the API", "unwell", "api", "API server", "ip route get")
        assert (row["verdict"], row["configuration"]) == ("converged", "settled")
    finally:
        for master in masters:
            n6.run("n6", "ip", "route", "del", "unreachable", master)
    n6.wait_for("n6 to be well again", lambda: n6.converge("n6", check=False).returncode == 0, 60)
    n6.wait_converged(["n6"], seconds=10)


def test_banned(n6):
    n6.muster("ban", "n6", "--cluster", "lab")
    # What runs goes on, but whoever asks for the newest by hand is told that there is none for it.
    done = n6.converge("n6", check=False)
    assert done.returncode == 5 and "banned" in done.stderr, done
    told(n6, "banned", "banned", "muster unban n6")
    n6.muster("unban", "n6", "--cluster", "lab")
    assert len(table) == 10
