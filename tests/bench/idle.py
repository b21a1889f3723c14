"""What idle connections cost, and what slow ones cost the others on the same listener."""
import os
import resource
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from document_get import build_client, load, start_site  # noqa: E402

IDLE, DRIPPING = 2000, 64


def hold(program, site, machine, count, kind):
    url = f"https://127.0.0.1:{site.ports['node']}/v1/document"
    process = subprocess.Popen([program, url, machine.certificate, machine.key, str(count), "0", kind],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    opened = int(process.stdout.readline())
    if opened != count:
        raise SystemExit(f"{kind}: opened {opened} of {count} connections")
    return process


def release(process):
    process.stdin.close()
    process.wait()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        fields = stream.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS"))


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    program = build_client(folder)
    site, machine = start_site(folder, node={"listen": "127.0.0.1:18444", "connectionsPerSource": 8192})
    try:
        pid = site.server_pid()
        memory = resident_kib(pid)
        idle = hold(program, site, machine, IDLE, "idle")
        time.sleep(1)
        cpu = cpu_seconds(pid)
        time.sleep(10)
        print(f"{IDLE} idle connections: {cpu_seconds(pid) - cpu:.2f} s CPU in 10 s, "
              f"{(resident_kib(pid) - memory) / IDLE:.1f} KiB resident each")
        release(idle)

        quiet = load(program, site.ports["node"], machine, 1, "kept")["p99"]
        drips = hold(program, site, machine, DRIPPING, "drip")
        beside = load(program, site.ports["node"], machine, 1, "kept")["p99"]
        release(drips)
        print(f"a polling machine's p99: quiet {quiet:.2f} ms, beside {DRIPPING} dripping connections {beside:.2f} ms: "
              f"ratio {beside / quiet:.2f}; goal at most 2")
    finally:
        site.stop_server()


main()
