"""A file server and a table of its files, for scripts/components --upstream."""
import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import tarfile
import threading

from local_cluster import REPOSITORY

COMPONENTS = os.path.join(REPOSITORY, "scripts", "components")


class Files:
    """A file server that knows ranges, counts the bytes it gives, and ends answers early when told to."""

    def __init__(self):
        self.content, self.served, self.ranges = {}, {}, []
        self.cut = {}  # path -> bytes of the file after which every answer ends
        self.at_most = None  # bytes in one answer
        self.asked = []  # paths
        self.without_ranges = self.without_lengths = False
        self.hold = {}  # path -> (bytes after which an answer waits, event when it does, event to go on)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                outer.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def answer(self, request):
        data, begin = self.content.get(request.path), 0
        self.asked.append(request.path)
        if data is None:
            return request.send_error(404)
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and not self.without_ranges:
            begin = int(asked.group(1))
            self.ranges.append((request.path, begin))
        if begin and begin >= len(data):
            return request.send_error(416)
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        if not self.without_lengths:
            request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        end = min(len(data), self.cut.get(request.path, len(data)), begin + (self.at_most or len(data)))
        if request.path in self.hold:
            after, reached, go_on = self.hold[request.path]
            self.give(request, data[begin:after])
            reached.set()
            go_on.wait(20)
            begin = after
        return self.give(request, data[begin:end])

    def give(self, request, data):
        self.served[request.path] = self.served.get(request.path, 0) + len(data)
        try:
            request.wfile.write(data)
            request.wfile.flush()
        except OSError:
            pass


class Site:
    def __init__(self, folder, files):
        self.folder, self.files, self.rows, self.versions = folder, files, [], []
        self.environment = {**os.environ, "MUSTER_CACHE": str(folder / "cache"), "MUSTER_UPSTREAM": files.url}

    def row(self, name, version, path, data, folder, *programs, digest=None, algorithm="sha256"):
        """A file at PATH of some host elsewhere, which MUSTER_UPSTREAM brings here."""
        self.files.content.setdefault(path, data)
        self.rows.append(" ".join([name, version, digest or f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}",
                                   f"https://releases.invalid{path}", folder, *programs]))
        if f"{name} {version} 0" not in self.versions:
            self.versions.append(f"{name} {version} 0")

    def command(self, *arguments):
        (self.folder / "table").write_text("# a comment\n" + "\n".join(self.rows) + "\n")
        (self.folder / "versions").write_text("\n".join(self.versions) + "\n")
        return [COMPONENTS, *arguments, "--table", str(self.folder / "table"), "--versions", str(self.folder / "versions")]

    def run(self, *arguments, **settings):
        return subprocess.run(self.command(*(arguments or ["--upstream"])), env=self.environment, **settings, capture_output=True, text=True, timeout=60, check=False)

    def release(self, name, version):
        folder = self.folder / "cache" / "releases" / name / version
        return json.loads((folder / "release.json").read_text()) if (folder / "release.json").exists() else None

    def programs(self, name, version):
        folder = self.folder / "cache" / "releases" / name / version / "bin"
        return {file.name: (file.read_bytes(), oct(file.stat().st_mode & 0o7777)) for file in folder.iterdir()}

    def left_over(self):
        return sorted(path.name for path in (self.folder / "cache" / "build").rglob("*") if path.is_file() and path.name not in ("lock", "upstream.log"))


def tar(members, mode="w:gz"):
    """members: path -> bytes, or the target of a symbolic link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            if isinstance(data, bytes):
                info.size, info.mode = len(data), 0o4644
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type, info.linkname = tarfile.SYMTYPE, data
                archive.addfile(info)
    return out.getvalue()
