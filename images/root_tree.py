"""The tree of files that an image holds, of whichever kind: Debian's packages, the releases, the operator's files."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess

from steps import Failure

# What every image has; README.md says why, one by one.
BASE = ["systemd", "systemd-sysv", "systemd-resolved", "systemd-timesyncd", "dbus", "udev", "libpam-systemd", "iproute2",
        "ca-certificates", "openssl", "libssl3", "netbase", "procps", "kmod", "cloud-init", "isc-dhcp-client", "cloud-guest-utils", "fdisk",
        "e2fsprogs", "initramfs-tools", "zstd"]
# Of no use on a machine without people; the licences stay.
LEFT_OUT = ["path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/info/*",
            "path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright"]
ENABLED = {"multi-user.target.wants": ["muster.target", "systemd-networkd.service", "systemd-resolved.service"],
           "sysinit.target.wants": ["systemd-timesyncd.service"],
           "network-online.target.wants": ["systemd-networkd-wait-online.service"]}
# Work on a timer that a machine which is replaced, not maintained, has no use for.
MASKED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service"]
# An image has no host keys: cloud-init makes them where it runs, and where it does not, sshd would not start. The kind
# that takes no time, since a machine without a disk makes it at each boot.
HOST_KEY = """[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c "ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1 || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
ExecStartPre=/usr/sbin/sshd -t
"""
FIXED = "1000000000"  # a time for tools that stamp their output; the file system's is the newest package's


def sources():
    found = sorted(glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*.list") + glob.glob("/etc/apt/sources.list.d/*.sources"))
    if not found:
        raise Failure("no Debian mirror in /etc/apt/sources.list or sources.list.d; add one")
    return found


def packages_of(plan):
    kernel = {"cloud": f"linux-image-cloud-{plan['architecture']}", "generic": f"linux-image-{plan['architecture']}"}[plan["kernel"]]
    return BASE + [kernel] + plan["packages"]


def mmdebstrap(plan, packages, *options):
    return ["mmdebstrap", "--variant=minbase", f"--architectures={plan['architecture']}", f"--include={','.join(packages)}",
            "--aptopt=Acquire::Languages none", *options]


def resolve(plan, more):
    """{package: version} of everything that would be fetched now, with `more` packages beside the tree's."""
    command = mmdebstrap(plan, packages_of(plan) + more, "--simulate", "--verbose") + [plan["suite"], "/dev/null", *sources()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure("the packages cannot be had:\n" + "\n".join(line for line in done.stderr.splitlines() if line.startswith("E:")))
    return dict(re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", done.stderr, re.MULTILINE))


def make_debian(steps, plan, root, boot_packages, boot_folder, settings=None):
    """The packages, and beside the tree, unpacked, what starts a machine and need not stay on it. settings: of the packages' scripts."""
    fetch = f'mkdir "$1/boot-loader" && cd "$1/boot-loader" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download {" ".join(boot_packages)}'
    options = [f"--dpkgopt={option}" for option in LEFT_OUT] + ["--mode=root", f"--customize-hook={fetch}"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": FIXED, "DEBIAN_FRONTEND": "noninteractive", **(settings or {})}
    steps.run(*mmdebstrap(plan, packages_of(plan), *options), plan["suite"], root, *sources(), environment=environment)
    versions = {}
    for file in sorted(glob.glob(f"{root}/boot-loader/*.deb")):
        name, version = steps.run("dpkg-deb", "--show", "--showformat=${Package} ${Version}", file).split()
        versions[name] = version
        steps.run("dpkg-deb", "--extract", file, boot_folder)
    shutil.rmtree(f"{root}/boot-loader")
    return versions


def lay_releases(steps, plan, root):
    """Every release under /opt/muster, its bytes held against its manifest; its packages installed."""
    whole = sum(os.path.getsize(os.path.join(folder, file)) for release in plan["releases"] for folder, _, files in os.walk(release["folder"]) for file in files)
    done = 0
    for release in plan["releases"]:
        target = f"{root}/opt/muster/releases/{release['name']}/{release['version']}"
        os.makedirs(target)
        with open(f"{release['folder']}/release.json", "rb") as stream:
            text = stream.read()
        check(release, "release.json", text, release["manifestDigest"])
        with open(f"{target}/release.json", "wb") as out:
            out.write(text)
        for artifact in json.loads(text)["artifacts"]:
            path = f"{target}/{artifact['path']}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(f"{release['folder']}/{artifact['path']}", path)
            os.chmod(path, int(artifact["mode"], 8))
            with open(path, "rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            refuse_other(release, artifact["path"], f"sha256:{found}", artifact["digest"])
            done += artifact["size"]
        os.makedirs(f"{root}/opt/muster/current", exist_ok=True)
        os.symlink(f"../releases/{release['name']}/{release['version']}", f"{root}/opt/muster/current/{release['name']}")
        steps.part(f"{release['name']} {release['version']}", done, whole)
    install_packages(steps, plan, root)


def check(release, path, content, digest):
    refuse_other(release, path, f"sha256:{hashlib.sha256(content).hexdigest()}", digest)


def refuse_other(release, path, found, expected):
    if found != expected:
        raise Failure(f"release {release['name']} {release['version']}: {release['folder']}/{path}: expected digest {expected}, found {found}")


def installed(steps, root):
    return dict(line.split() for line in steps.run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n").splitlines())


def refuse_changed(plan, versions):
    """The archive's packages are the plan's: its inputs name this image."""
    expected = plan["resolved"]["packages"]
    changed = sorted(f"{name} {expected[name]} -> {version}" for name, version in versions.items() if expected.get(name, version) != version)
    if changed:
        raise Failure(f"Debian's archive changed meanwhile ({', '.join(changed)}); build it again")


def install_packages(steps, plan, root):
    """The .debs of all releases in one dpkg run, their own units masked: the agent starts what it wants."""
    have, wanted = installed(steps, root), []
    for release in plan["releases"]:
        for file in sorted(glob.glob(f"{root}/opt/muster/releases/{release['name']}/{release['version']}/debs/*.deb")):
            name, version = steps.run("dpkg-deb", "--show", "--showformat=${Package} ${Version}", file).split()
            if have.get(name) == version:
                continue
            if name not in have and name != "muster-agent":
                mask_units(steps, root, file)
            wanted.append(file[len(root):])
    if wanted:
        # Their scripts want a /proc, which ends with the namespace.
        steps.run("unshare", "--mount", "--pid", "--fork", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env "$@"', root,
                  f"SOURCE_DATE_EPOCH={FIXED}", "SYSTEMD_OFFLINE=1", "DEBIAN_FRONTEND=noninteractive",
                  "dpkg", "--install", "--force-confold", "--force-confdef", *wanted)


def mask_units(steps, root, deb):
    for line in steps.run("dpkg-deb", "--contents", deb).splitlines():
        unit = re.search(r"lib/systemd/system/([^/@ ]+\.[^/@ ]+)$", line)
        if unit and not os.path.lexists(f"{root}/etc/systemd/system/{unit[1]}"):
            os.symlink("/dev/null", f"{root}/etc/systemd/system/{unit[1]}")


def configure(plan, root, identity):
    """What makes a Debian tree a node's: which units start, who it is, the operator's own files."""
    units = f"{root}/etc/systemd/system"
    for target, names in ENABLED.items():
        os.makedirs(f"{units}/{target}", exist_ok=True)
        for name in names:
            link = f"{units}/{target}/{name}"
            if not os.path.lexists(link) and os.path.lexists(f"{root}/lib/systemd/system/{name}"):
                os.symlink(f"/lib/systemd/system/{name}", link)
    for unit in MASKED:
        if not os.path.lexists(f"{units}/{unit}"):
            os.symlink("/dev/null", f"{units}/{unit}")
    with open(f"{root}/usr/lib/os-release", "a", encoding="utf-8") as out:
        out.write(f"IMAGE_ID={plan['name']}\nIMAGE_VERSION={identity}\n")
    if os.path.exists(f"{root}/lib/systemd/system/ssh.service"):
        write(root, "/etc/systemd/system/ssh.service.d/host-key.conf", HOST_KEY, 0o644)
    # Debian's default locale for cloud-init needs a package of its own.
    write(root, "/etc/cloud/cloud.cfg.d/10-muster.cfg", "locale: C.UTF-8\n", 0o644)
    for file in plan["files"]:
        write(root, file["path"], file["content"], int(file["mode"], 8))


def write(root, path, content, mode):
    """A folder on the way may be a link, and a link of the image's leads somewhere else outside it."""
    real = os.path.realpath(root + os.path.dirname(path))
    if real != root and not real.startswith(root + "/"):
        raise Failure(f"files: {path}: lies behind a link that leads out of the image")
    os.makedirs(real, exist_ok=True)
    target = f"{real}/{os.path.basename(path)}"
    if os.path.islink(target):
        os.unlink(target)
    with open(target, "w", encoding="utf-8") as out:
        out.write(content)
    os.chmod(target, mode)


def clean(root):
    """Nothing of the build, and nothing that two machines must not share."""
    for pattern in ("etc/ssh/ssh_host_*", "etc/machine-id", "var/lib/dbus/machine-id", "etc/hostname", "etc/resolv.conf", "var/log/*", "var/log/*/*",
                    "var/cache/*/*", "var/cache/*/*/*", "var/lib/apt/lists/*", "var/lib/apt/lists/*/*", "etc/*-", "var/lib/dpkg/*-old", "var/lib/systemd/random-seed",
                    "var/lib/cloud/*", "tmp/*", "var/tmp/*", "root/.*", "run/*", "var/lib/ucf/*.[0-9]", "var/cache/debconf/*", "boot/*.old"):
        for path in glob.glob(f"{root}/{pattern}"):
            if os.path.isdir(path) and not os.path.islink(path):
                if pattern.startswith(("tmp", "var/tmp", "run", "var/lib/cloud")):
                    shutil.rmtree(path)
            elif not path.endswith(("/root/.bashrc", "/root/.profile")):
                os.unlink(path)
    write(root, "/etc/machine-id", "", 0o444)
    os.symlink("../run/systemd/resolve/resolv.conf", f"{root}/etc/resolv.conf")


def settle_times(root, began):
    """The time of the newest file that a package brought, and no file of the tree is newer; whole seconds."""
    newest = 0
    for path in walk(root):
        when = int(os.lstat(path).st_mtime)
        if when < began:
            newest = max(newest, when)
    for path in walk(root):
        when = min(int(os.lstat(path).st_mtime), newest)
        os.utime(path, (when, when), follow_symlinks=False)
    return newest


def walk(root):
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files + [name for name in folders if os.path.islink(f"{folder}/{name}")]:
            yield f"{folder}/{name}"
        yield folder
