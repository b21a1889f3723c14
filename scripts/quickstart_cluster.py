"""What scripts/quickstart does once root and python3 are there: the local cluster, and its removal."""
import argparse
import glob
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import quickstart_preflight  # noqa: E402
import quickstart_pxe  # noqa: E402
from local_cluster import CACHE, LAB, REPOSITORY, Failure, LocalCluster, call  # noqa: E402

STATE = "/var/lib/muster-quickstart"
MACHINES = {"m1": ("master", "10.77.0.11"), "m2": ("follower", "10.77.0.12"), "m3": ("follower", "10.77.0.13"),
            "n1": ("node", "10.77.0.21")}
INVENTORY = os.path.join(REPOSITORY, "scripts", "quickstart.inventory")
BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", flush=True)


def step(text, *command):
    """Runs a script of ours and shows its lines as they come."""
    say(text)
    if command and subprocess.run(command, cwd=REPOSITORY, check=False).returncode:
        raise Failure(f"{' '.join(command)} failed; cure what it says above and run quickstart again: it resumes")


def build():
    if not os.path.exists(os.path.join(REPOSITORY, "build/ci/build.ninja")):
        step("configuring the build", "cmake", "--preset", "ci")
    step("building (about 3 minutes the first time on 2 cores)", "cmake", "--build", "--preset", "ci", "--target",
         "muster-server", "muster", "muster-agent")


def prove_pods(cluster):
    """Two pods on two machines: each is reached by address and by service name, logs and exec work."""
    cluster.kubectl("apply", "-f", os.path.join(REPOSITORY, "scripts", "echo.yaml"))
    cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=60s")
    pods = json.loads(cluster.kubectl("get", "pods", "-l", "app=echo", "-o", "json").stdout)["items"]
    first, second = pods[0], pods[1]
    if first["spec"]["nodeName"] == second["spec"]["nodeName"]:
        raise Failure("both echo pods run on one machine; expected two machines")
    for url in (f"http://{second['status']['podIP']}:8080/", "http://echo.default.svc.cluster.local:8080/"):
        say(f"pod on {first['spec']['nodeName']} asked {url}: answered by {cluster.ask_service(first['metadata']['name'], url)}")
    lines = cluster.kubectl("logs", second["metadata"]["name"]).stdout.strip().splitlines()
    say(f"kubectl logs {second['metadata']['name']}: {lines[-1] if lines else '(nothing yet)'}")


def up():
    obstacles = quickstart_preflight.obstacles(REPOSITORY, already_up=os.path.exists(os.path.join(STATE, "server.pid")))
    if obstacles:
        print("quickstart: nothing was built or started. Obstacles, all of them:", file=sys.stderr)
        for number, obstacle in enumerate(obstacles, 1):
            print(f"  {number}. {obstacle}", file=sys.stderr)
        return 1
    # A folder alone is what a build that was cut off leaves.
    fresh = not glob.glob(os.path.join(CACHE, "releases", "kubernetes*", "*", "release.json"))
    say("expected: about 15 minutes the first time on 2 cores (packages 1, components 10, build 3)"
        if fresh else "expected: about 1 minute, everything heavy is there")
    step("packages", "scripts/setup")
    step("components", "scripts/components")
    build()
    step("test hosts' image", LAB, "image", "ready")

    cluster = LocalCluster(STATE)
    # The bridge carries the server's address; making a host makes the bridge.
    say("starting the metadata server on its embedded store")
    call(LAB, "network")
    cluster.start_server()
    say("importing releases into its artifact store")
    cluster.import_releases()
    cluster.muster("apply", INVENTORY)
    say("switching on " + ", ".join(f"{name} ({role})" for name, (role, _) in MACHINES.items()))
    switched_on = time.monotonic()
    cluster.power_on(MACHINES)
    cluster.wait_converged(MACHINES, progress=lambda name, _: say(f"{name} is Ready, {time.monotonic() - switched_on:.1f} s after power-on"))
    say("waiting for CoreDNS")
    cluster.wait_duties()
    prove_pods(cluster)

    print("\n" + cluster.kubectl("get", "nodes", "-o", "wide").stdout)
    for name in MACHINES:
        print(cluster.muster("node", "timeline", name, "--cluster", cluster.cluster).stdout)
    root = "sudo " if "SUDO_USER" in os.environ else ""  # as this was started
    muster = f"{root}build/ci/metadata-server/cli/muster --server unix:{cluster.socket}"
    print(f"""Try next, as root:
  {root}{CACHE}/releases/kubernetes-node/*/bin/kubectl --kubeconfig {cluster.kubeconfig} get pods -A -o wide
  {muster} status
  {muster} apply scripts/quickstart.inventory   # after you changed it
  {root}scripts/lab power cycle n1 && {muster} node show n1 --cluster {cluster.cluster}
and, when done: scripts/quickstart --down""")
    return 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/quickstart", description=__doc__)
    parser.add_argument("--pxe", action="store_true", help="then starts an empty machine by the network, until it is a Ready node")
    parser.add_argument("--down", action="store_true", help="removes the cluster: processes, links, mounts, cgroups, state")
    arguments = parser.parse_args()
    try:
        if arguments.down:
            quickstart_pxe.down(STATE)
            LocalCluster(STATE).down()
            print("quickstart: everything it started is gone; releases and images stay in " + CACHE)
            return 0
        status = up()
        if arguments.pxe and not status:
            quickstart_pxe.up(LocalCluster(STATE), INVENTORY, step)
        return status
    except Failure as failure:
        print(f"quickstart: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nquickstart: interrupted; run it again to go on, or with --down to remove what is there", file=sys.stderr)
        return 130


sys.exit(main())
