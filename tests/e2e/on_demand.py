"""Machines of clusters on demand: what a cloud would give each of them, and what is asked about their clusters."""
import json
import os
import shutil
import subprocess
import time

import yaml
from local_cluster import LAB, REPOSITORY, call

TEMPLATES = os.path.join(REPOSITORY, "scripts", "examples", "templates")
SMALL = "reservedPolicy: none"


def set_template(rack, name, folder=None):
    """The example of that name or what lies in `folder`, for machines that share this one's disk."""
    copy = os.path.join(rack.state, "templates", name)
    shutil.copytree(folder or os.path.join(TEMPLATES, name), copy, dirs_exist_ok=True)
    path = os.path.join(copy, "cluster.yaml")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    assert SMALL in text
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace(SMALL, f"{SMALL}, evictionHard: {{nodefs.available: 1Gi, imagefs.available: 1Gi}}"))
    rack.muster("template", "set", name, copy)


def import_agent(rack, folder):
    """What machines fetch whose image has no agent."""
    subprocess.run([os.path.join(REPOSITORY, "scripts", "agent-release"), folder], check=True)
    rack.muster("release", "import", folder)


def cloud_tree(folder, address, user_data):
    """The machine's cloud: cloud-init finds its name and user-data in the image, as if a service had told them."""
    place = os.path.join(folder, "etc/cloud/cloud.cfg.d")
    os.makedirs(place)
    name = "ip-" + address.replace(".", "-")
    with open(user_data, encoding="utf-8") as stream:
        seed = {"meta-data": {"instance-id": name, "local-hostname": name}, "user-data": stream.read()}
    # cloud-init reads JSON as the YAML that it is, but wants this list on a line of its own.
    settings = json.dumps({"datasource": {"NoCloud": seed}, "network": {"config": "disabled"}, "locale": "C.UTF-8"})
    for file, text in (("90-cloud.cfg", settings), ("91-list.cfg", "datasource_list: [NoCloud, None]")):
        with open(os.path.join(place, file), "w", encoding="utf-8") as out:
            out.write(text + "\n")
    return str(folder)


def prepared_tree(rack, name, user_data):
    """An image that has agent and releases already: of the user-data only the settings are left to write."""
    tree = rack.machine_tree(name, "")
    with open(user_data, encoding="utf-8") as stream:
        files = yaml.safe_load(stream)["write_files"]
    settings = next(file["content"] for file in files if file["path"] == "/etc/muster/agent.json")
    with open(os.path.join(tree, "etc/muster/agent.json"), "w", encoding="utf-8") as out:
        out.write(settings)
    return tree


def switch_on(rack, machines, folder=None):
    """machines: {name: (address, user-data file)}, all at once. With a folder, stock Debian under its own cloud-init.
    Returns when they were switched on, as time.monotonic() has it."""
    image = "cloud" if folder else "ready"
    call(LAB, "image", image)

    def make(name):
        address, user_data = machines[name]
        tree = cloud_tree(os.path.join(folder, name), address, user_data) if folder else prepared_tree(rack, name, user_data)
        call(LAB, "up", name, "--address", address, "--image", image, "--tree", tree, "--no-start")
    rack.on_each(machines, make)
    began = time.monotonic()
    rack.on_each(machines, lambda name: call(LAB, "power", "on", name))
    return began


def verdicts(rack, cluster):
    """{node: verdict}, of the machines that the cluster has."""
    done = rack.muster("node", "list", "--cluster", cluster, "-o", "json", check=False)
    return {} if done.returncode else {node["node"]: node.get("verdict", "") for node in json.loads(done.stdout)["nodes"]}


def are_converged(rack, cluster, count):
    return list(verdicts(rack, cluster).values()) == ["converged"] * count


class Kubectl:
    """An operator of one of the clusters."""

    def __init__(self, rack, cluster, folder, *options):
        self.rack, self.path, self.options = rack, os.path.join(folder, f"{cluster}.kubeconfig"), options
        config = json.loads(rack.muster("kubeconfig", "--cluster", cluster, "-o", "json").stdout)["kubeconfig"]
        with open(self.path, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(config)

    def __call__(self, *arguments, **options):
        return call(self.rack.kubectl_program(), "--kubeconfig", self.path, *self.options, *arguments, **options)

    def ready_nodes(self):
        """None before the master's duties have bound the operators' roles."""
        done = self("get", "nodes", "--no-headers", check=False)
        return None if done.returncode else {line.split()[0] for line in done.stdout.splitlines() if line.split()[1] == "Ready"}
