#!/usr/bin/python3
"""images.py FOLDER SOURCES: FOLDER/images.tar, every image that Kubernetes' conformance tests run, under the names that FOLDER/e2e.test tells,
of FOLDER/programs and FOLDER/roots; pictures and the like are from SOURCES (k8s.io/kubernetes/test/images).

Theirs are of Alpine and Debian; ours are of Debian alone, and their users and folders are those that the tests look for."""
import os
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "scripts", "components.d"))

from oci_image import Archive, entry, file_entry, link, tree_of  # noqa: E402

folder, sources = sys.argv[1:]
made = Archive()
# Users and group of agnhost's Dockerfile; 1234 is nonroot's.
PASSWD = (b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nuser-defined-in-image:x:1000:1000::/home:/bin/sh\n"
          b"nobody:x:65534:65534:nobody:/:/bin/sh\n")
GROUP = b"root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\nnogroup:x:65534:\n"


def users():
    return [entry("etc/passwd", PASSWD, 0o644), entry("etc/group", GROUP, 0o644)]


def folders(*paths, mode=0o755):
    return [entry(path, mode=mode, kind=tarfile.DIRTYPE) for path in paths]


def program(name, place=None, mode=0o755):
    member, data = file_entry(os.path.join(folder, "programs", name), place or name)
    member.mode = mode
    return member, data


def source(path, place):
    return file_entry(os.path.join(sources, path), place)


def debian():
    entries = [pair for pair in tree_of(os.path.join(folder, "roots", "debian")) if pair[0].name not in ("etc/passwd", "etc/group", "etc/resolv.conf")]
    return entries + users() + folders("tmp", mode=0o1777)


def busybox():
    """Its shell is bash: ash drops variables such as data-1 from the environment, which four tests look for."""
    root = os.path.join(folder, "roots", "busybox")
    static = os.path.join(root, "bin", "busybox")
    applets = subprocess.run([static, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = [link(f"bin/{applet}", "busybox") for applet in sorted(applets) if applet not in ("sh", "ash", "bash", "busybox")]
    return (folders("bin", "etc", "root", "home", "usr", "var", "usr/bin", "var/run") + folders("tmp", "var/tmp", mode=0o1777)
            + [file_entry(static, "bin/busybox"), file_entry(os.path.join(root, "bin", "bash-static"), "bin/sh"), link("bin/bash", "sh")] + links + users())


def image(names, layers, entry_point=None, command=None, **config):
    for name in names:
        whole = {"WorkingDir": "/", "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], **config}
        if entry_point:
            whole["Entrypoint"] = entry_point
        if command:
            whole["Cmd"] = command
        made.image(name, layers, whole)


listed = subprocess.run([os.path.join(folder, "e2e.test"), "--list-images"], capture_output=True, text=True, check=True).stdout.split()


def named(name):
    found = [each for each in listed if each.rsplit(":", 1)[0] in (f"registry.k8s.io/e2e-test-images/{name}", f"registry.k8s.io/{name}")]
    if not found:
        sys.exit(f"images.py: expected an image {name} in the output of e2e.test --list-images, found {' '.join(listed)}")
    return found


BASE, SMALL = made.layer(debian()), made.layer(busybox())
AGNHOST = made.layer([program("agnhost"), link("agnhost-2", "agnhost")] + folders("uploads", "usr/local", "usr/local/bin")
                     + [link("usr/local/bin/iperf", "/usr/bin/iperf"), source("agnhost/porter/localhost.crt", "localhost.crt"),
                        source("agnhost/porter/localhost.key", "localhost.key")])
image(named("agnhost"), [BASE, AGNHOST], ["/agnhost"], ["pause"])
image(named("busybox"), [SMALL], command=["sh"])
image(named("nonroot"), [SMALL], command=["sh"], User="1234")
image(named("nginx"), [BASE], command=["nginx", "-g", "daemon off;"])
image(named("glibc-dns-testing"), [BASE], command=["bash"])
image(named("ipc-utils"), [BASE], command=["sh"])
image(named("nonewprivs"), [SMALL, made.layer(folders("usr/local", "usr/local/bin") + [program("nonewprivs", "usr/local/bin/nnp", 0o6755)])], command=["nnp"])
image(named("regression-issue-74839"), [SMALL, made.layer([program("regression-issue-74839")])], ["/regression-issue-74839"])
image(named("sample-apiserver"), [SMALL, made.layer([program("sample-apiserver")])], ["/sample-apiserver"])
image(named("etcd"), [SMALL, made.layer(folders("usr/local", "usr/local/bin") + [program("etcd", "usr/local/bin/etcd")])], command=["etcd"])
for pet in ("kitten", "nautilus"):
    image(named(pet), [BASE, AGNHOST, made.layer([source(f"{pet}/html/{pet}.jpg", f"{pet}.jpg"), source(f"{pet}/html/data.json", "data.json")])],
          ["/agnhost"], ["test-webserver"])
made.write(os.path.join(folder, "images.tar"))
