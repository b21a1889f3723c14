"""Releases of a few bytes each: enough for a server to compile documents."""
import os
import subprocess

from local_cluster import REPOSITORY

RELEASES = {"kubernetes-node": "1.36.3", "kubernetes-control-plane": "1.36.3", "etcd": "3.6.16", "containerd": "2.4.2", "runc": "1.5.2",
            "cni-plugins": "1.9.1", "coredns": "1.15.0", "pause": "3.10.2", "host-tools": "12.1", "haproxy": "2.6.12"}


def write_small_releases(folder):
    """Each in a folder of its own, as `muster release import` takes it; the folders."""
    folders = []
    for name, version in RELEASES.items():
        folders.append(os.path.join(folder, name))
        os.makedirs(os.path.join(folders[-1], "bin"), exist_ok=True)
        with open(os.path.join(folders[-1], "bin", "program"), "w", encoding="ascii") as out:
            out.write(f"{name} {version}\n")
        subprocess.run([os.path.join(REPOSITORY, "scripts", "components.d", "manifest"), name, version, folders[-1]], check=True)
    return folders


def import_small_releases(site):
    """Into the server of a LocalCluster."""
    for folder in write_small_releases(os.path.join(site.state, "releases")):
        site.muster("release", "import", folder)
