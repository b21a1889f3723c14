"""A real cluster on this machine: a metadata server on its embedded store, and test hosts of scripts/lab
that run the agent. The one home of bringing it up, for scripts/quickstart and the e2e tests."""
import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from waiting import Failure, wait_for

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAB = os.path.join(REPOSITORY, "scripts", "lab")
CACHE = os.environ.get("MUSTER_CACHE", "/var/cache/muster")
LAB_STATE = os.environ.get("MUSTER_LAB", "/var/lib/muster-lab")
BUILD = os.environ.get("MUSTER_BUILD", os.path.join(REPOSITORY, "build", "ci"))
SERVER_ADDRESS = "10.77.0.1"  # this machine, on the lab's bridge


def call(*arguments, check=True, timeout=600, text_input=None):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, input=text_input)
    if check and done.returncode:
        raise Failure(f"{' '.join(arguments)}: exit status {done.returncode}\n{(done.stderr or done.stdout).strip()}")
    return done


def has_ended(pid):
    """Of a process that was killed, the first thread is gone while others still hold its sockets."""
    try:
        return os.listdir(f"/proc/{pid}/task") == [str(pid)]
    except OSError:
        return True


class LocalCluster:
    def __init__(self, state, build=BUILD, cluster="lab", address=SERVER_ADDRESS, ports=None):
        self.state, self.build, self.cluster, self.address = state, build, cluster, address
        self.ports = ports or {"boot": 8080, "enrol": 8443, "node": 8444, "metrics": 9180}
        self.socket = os.path.join(state, "admin.sock")
        self.pid_file = os.path.join(state, "server.pid")
        self.kubeconfig = os.path.join(state, "kubeconfig")
        self.hosts_file = os.path.join(state, "hosts.json")
        self.server_settings = {}  # beside those that this class needs itself

    # --- the server -------------------------------------------------------------------------------
    def program(self, name):
        places = {"muster-server": "metadata-server", "muster": "metadata-server/cli", "muster-agent": "agent"}
        return os.path.join(self.build, places[name], name)

    def write_settings(self):
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        settings = {
            "stateDirectory": os.path.join(self.state, "server"),
            "adminSocket": self.socket,
            **{name: {"listen": f"{'127.0.0.1' if name == 'metrics' else '0.0.0.0'}:{port}"} for name, port in self.ports.items()},
            "advertise": [self.address],
            **self.server_settings,
        }
        path = os.path.join(self.state, "server.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(settings, out, indent=2)
        return path

    def server_pid(self):
        try:
            with open(self.pid_file, encoding="ascii") as stream:
                pid = int(stream.read())
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                return pid if b"muster-server" in stream.read() else None
        except (OSError, ValueError):
            return None

    def start_server(self):
        """Initialises the site (once) and starts the server; a no-op while it runs."""
        settings = self.write_settings()
        if self.server_pid():
            return
        call(self.program("muster-server"), "--settings", settings, "init")
        with open(os.path.join(self.state, "server.log"), "ab") as log:
            process = subprocess.Popen([self.program("muster-server"), "--settings", settings], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, start_new_session=True)
        with open(self.pid_file, "w", encoding="ascii") as out:
            out.write(str(process.pid))
        self.wait_for("the server to answer", lambda: os.path.exists(self.socket) and self.muster("status", check=False).returncode == 0,
                      15, lambda: process.poll() is None)

    def stop_server(self, how=signal.SIGTERM):
        pid = self.server_pid()
        if pid:
            os.kill(pid, how)
            self.wait_for("the server to stop", lambda: not self.server_pid() and has_ended(pid), 15)

    def muster(self, *arguments, **options):
        return call(self.program("muster"), "--server", f"unix:{self.socket}", *arguments, **options)

    def import_releases(self):
        for name in sorted(os.listdir(os.path.join(CACHE, "releases"))):
            # Of a cache from before it was two releases: the same programs again. No machine runs the checker.
            if name in ("kubernetes", "config-checker"):
                continue
            folder = os.path.join(CACHE, "releases", name)
            for version in sorted(os.listdir(folder)):
                self.muster("release", "import", os.path.join(folder, version))

    # --- the machines -----------------------------------------------------------------------------
    def site_pin(self):
        return json.loads(self.muster("init", "-o", "json").stdout)["pin"]

    def machine_tree(self, name, token, starts_agent=True):
        """What a machine gets from its image or user-data: the agent, its units and its settings."""
        tree = os.path.join(self.state, "trees", name)
        shutil.rmtree(tree, ignore_errors=True)
        units = os.path.join(tree, "etc/systemd/system")
        for folder in ("usr/bin", "etc/muster", "etc/systemd/system/multi-user.target.wants"):
            os.makedirs(os.path.join(tree, folder))
        shutil.copy2(self.program("muster-agent"), os.path.join(tree, "usr/bin/muster-agent"))
        source = os.path.join(REPOSITORY, "units")
        for file in os.listdir(source):
            if file.endswith((".service", ".target", ".timer")) and not file.startswith(("muster-server", "muster-backup")):
                shutil.copy2(os.path.join(source, file), units)
        for folder, kind in (("sysusers.d", "sysusers"), ("tmpfiles.d", "tmpfiles"), ("systemd/networkd.conf.d", "networkd")):
            path = os.path.join(source, f"muster.{kind}")
            if os.path.exists(path):
                os.makedirs(os.path.join(tree, "usr/lib", folder))
                shutil.copy2(path, os.path.join(tree, "usr/lib", folder, "muster.conf"))
        if starts_agent:
            os.symlink("../muster.target", os.path.join(units, "multi-user.target.wants/muster.target"))
        with open(os.path.join(tree, "etc/muster/agent.json"), "w", encoding="utf-8") as out:
            json.dump({"sitePin": self.site_pin(), "enrolServers": [f"https://{self.address}:{self.ports['enrol']}"], "token": token}, out)
        os.chmod(out.name, 0o600)
        return tree

    def token(self, role, count=1):
        answer = self.muster("token", "create", "--cluster", self.cluster, "--role", role, "--count", str(count), "--ttl", "30m", "-o", "json")
        return json.loads(answer.stdout)["token"]

    def power_on(self, machines, image="ready", starts_agent=True):
        """machines: {name: (role, address)}; all at once. What is up already stays as it is."""
        def up(name):
            role, address = machines[name]
            tree = self.machine_tree(name, self.token(role), starts_agent)
            call(LAB, "up", name, "--address", address, "--image", image, "--tree", tree)
        call(LAB, "image", image)
        known = {host["name"] for host in self.hosts()}
        self.on_each([name for name in machines if name not in known], up)

    def report(self, name, cluster=None):
        """The machine's newest; empty where there is none."""
        shown = self.muster("node", "show", name, "--cluster", cluster or self.cluster, "-o", "json").stdout
        return json.loads(shown).get("report") or {}

    @staticmethod
    def hosts():
        # Without a host, no question: what answers it may not be installed yet.
        if not os.path.isdir(os.path.join(LAB_STATE, "hosts")):
            return []
        return json.loads(call(LAB, "list", "-o", "json").stdout)

    @staticmethod
    def on_each(hosts, work):
        """{host: work(host)}, all at once."""
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(hosts, pool.map(work, hosts)))

    @staticmethod
    def run(host, *command, **options):
        return call(LAB, "run", host, "--", *command, **options)

    # --- the cluster ------------------------------------------------------------------------------
    def kubectl(self, *arguments, **options):
        if not os.path.exists(self.kubeconfig):
            answer = self.muster("kubeconfig", "--cluster", self.cluster, "-o", "json")
            with open(self.kubeconfig, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
                out.write(json.loads(answer.stdout)["kubeconfig"])
        return call(self.kubectl_program(), "--kubeconfig", self.kubeconfig, *arguments, **options)

    @staticmethod
    def kubectl_program():
        versions = os.path.join(CACHE, "releases", "kubernetes-node")
        return os.path.join(versions, sorted(os.listdir(versions))[-1], "bin", "kubectl")

    def ask_service(self, pod, url, seconds=15):
        """What answers `url` inside `pod`. A rollout is done before every kube-proxy has heard of its pods."""
        def answer():
            done = self.kubectl("exec", pod, "--", "/echo", "get", url, check=False)
            return None if done.returncode else (done.stdout.strip(),)
        return wait_for(f"{url} to answer {pod}", answer, seconds, pause=0.5)[0]

    def node_status(self, name):
        """(verdict, message) as the server has it; ("", "") before the first report."""
        done = self.muster("node", "show", name, "--cluster", self.cluster, "-o", "json", check=False)
        if done.returncode:
            return "", ""
        report = json.loads(done.stdout).get("report") or {}
        return report.get("verdict", ""), report.get("message", "")

    def wait_duties(self, seconds=60):
        """Until the masters have bound the operators' roles and the addons run: they do so after their verdict."""
        def done():
            found = self.kubectl("rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=1s", check=False)
            return found.returncode == 0
        self.wait_for("CoreDNS, which the masters' duties bring", done, seconds)

    def wait_converged(self, names, seconds=180, progress=None):
        """Until every machine reports converged; a failed one ends the wait with its own words."""
        began, waiting = time.monotonic(), set(names)

        def all_converged():
            for name in sorted(waiting):
                verdict, message = self.node_status(name)
                if verdict == "converged":
                    waiting.discard(name)
                    if progress:
                        progress(name, time.monotonic() - began)
                elif verdict == "failed":
                    raise Failure(f"{name}: {message}")
            return not waiting
        try:
            wait_for("all machines to be converged", all_converged, seconds, pause=0.2)
        except Failure as failure:
            raise Failure(f"{failure}; {', '.join(sorted(waiting))}: see scripts/lab run NAME -- journalctl -u muster-agent") from failure
        return time.monotonic() - began

    wait_for = staticmethod(wait_for)

    def down(self):
        self.stop_server()
        names = [host["name"] for host in self.hosts()]
        if names:
            call(LAB, "down")
        shutil.rmtree(self.state, ignore_errors=True)
