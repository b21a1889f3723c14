"""Container image archives (OCI image layout 1.0, image-spec image-layout.md), the same bytes for the same files."""
import gzip
import hashlib
import io
import json
import os
import tarfile


def entry(path, data=None, mode=0o755, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(path)
    info.mode, info.type, info.size = mode, kind, len(data or b"")
    return info, io.BytesIO(data or b"")


def link(path, target):
    info, data = entry(path, kind=tarfile.SYMTYPE)
    info.linkname = target
    return info, data


def archive(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, data)
    return buffer.getvalue()


def file_entry(path, place):
    mode = os.lstat(path).st_mode & 0o7777
    if os.path.islink(path):
        return link(place, os.readlink(path))
    if os.path.isdir(path):
        return entry(place, mode=mode, kind=tarfile.DIRTYPE)
    with open(path, "rb") as stream:
        return entry(place, stream.read(), mode)


def tree_of(root):
    for folder, names, files in os.walk(root):
        names.sort()
        for name in sorted(files + names):
            path = os.path.join(folder, name)
            yield file_entry(path, os.path.relpath(path, root))


class Archive:
    """Images in one file; a layer that several have lies in it once."""

    def __init__(self):
        self.blobs, self.manifests = {}, []

    def _blob(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, entries):
        """What `image` takes: the layer's description and the digest of its bytes unpacked."""
        data = archive(entries)
        described = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self._blob(gzip.compress(data, 1, mtime=0))}
        return described, "sha256:" + hashlib.sha256(data).hexdigest()

    def image(self, name, layers, config):
        whole = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": [layer[1] for layer in layers]}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self._blob(json.dumps(whole, sort_keys=True).encode())},
                    "layers": [layer[0] for layer in layers]}
        self.manifests.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", **self._blob(json.dumps(manifest, sort_keys=True).encode()),
                               "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]}})

    def write(self, out):
        index = json.dumps({"schemaVersion": 2, "manifests": self.manifests}, sort_keys=True).encode()
        with open(out, "wb") as stream:
            stream.write(archive([entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', 0o644), entry("index.json", index, 0o644)]
                                 + [entry(f"blobs/sha256/{digest}", data, 0o644) for digest, data in sorted(self.blobs.items())]))
