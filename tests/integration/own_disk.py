"""A site whose state folder lies on a disk of its own."""
import contextlib
import os
import subprocess

from sanitizers import sanitizer_reports


@contextlib.contextmanager
def started_on(site, *mount):
    """Started on what `mount` mounts; its log has no sanitizer's report at the end."""
    folder = os.path.join(site.state, "server")
    os.makedirs(folder, mode=0o700)
    subprocess.run(["mount", *mount, folder], check=True)
    try:
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(folder, "lost+found"))
        site.start_server()
        yield site
        site.stop_server()
        assert sanitizer_reports(os.path.join(site.state, "server.log")) == []
    finally:
        site.stop_server()
        subprocess.run(["umount", folder], check=True)
