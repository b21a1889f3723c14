#!/usr/bin/python3
"""carried.py ROOT: notes in ROOT/opt/muster/carried-releases.json which releases lie there, once their bytes are verified.

The agent's own stamps (agent/foundation/artifacts.hpp): size, time and inode of each file. A builder of file systems, whose inodes
are others than the tree's, uses `stamps` with its own."""
import glob
import hashlib
import json
import os
import subprocess
import sys

PATH = "/opt/muster/carried-releases.json"


def releases_in(root):
    """[(name, version, folder without root)]"""
    folders = sorted(os.path.dirname(file)[len(root):] for file in glob.glob(f"{root}/opt/muster/releases/*/*/release.json"))
    return [(*folder.split("/")[-2:], folder) for folder in folders]


def artifacts(root, folder):
    with open(f"{root}{folder}/release.json", encoding="utf-8") as stream:
        return json.load(stream)["artifacts"]


def stamps(root, inodes):
    """The text of the file; `inodes` of paths without root. Bytes must have been verified."""
    noted = {}
    for name, version, folder in releases_in(root):
        files, packages = {}, {}
        for artifact in artifacts(root, folder):
            path = f"{folder}/{artifact['path']}"
            status = os.lstat(root + path)
            files[artifact["path"]] = f"{status.st_size}:{status.st_mtime_ns}:{inodes[path]}"
            if artifact.get("kind") == "deb":
                shown = subprocess.run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", root + path], capture_output=True, text=True, check=True)
                package, version_there = shown.stdout.split()
                packages[package] = version_there
        noted[f"{name}/{version}"] = {"manifestDigest": digest(f"{root}{folder}/release.json"), "files": files, "packages": packages}
    return json.dumps({"version": "1", "releases": noted}, sort_keys=True, separators=(",", ":"))


def digest(path):
    with open(path, "rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def main(root):
    inodes = {}
    for _, _, folder in releases_in(root):
        for artifact in artifacts(root, folder):
            path = f"{folder}/{artifact['path']}"
            if digest(root + path) != artifact["digest"]:
                sys.exit(f"carried: {root}{path}: expected digest {artifact['digest']}, found {digest(root + path)}")
            inodes[path] = os.lstat(root + path).st_ino
    with open(root + PATH, "w", encoding="ascii") as out:
        out.write(stamps(root, inodes))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/"))
