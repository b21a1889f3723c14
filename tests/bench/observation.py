"""What each observation of a poll costs, on a master and a node; with a thousand routes besides."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "scripts"), HERE]
from boot import new_cluster  # noqa: E402
from local_cluster import BUILD, LAB, call  # noqa: E402

MACHINES = {"m1": ("master", "10.77.0.11"), "n1": ("node", "10.77.0.21")}
ROUTES = "for a in 1 2 3 4; do for b in $(seq 0 249); do echo route add 10.10$a.$b.0/24 via 10.77.0.13 proto 77; done; done | ip -batch -"


def main():
    call("cmake", "--build", BUILD, "--target", "observation-cost")
    with new_cluster(MACHINES) as cluster:
        cluster.power_on(MACHINES)
        cluster.wait_converged(MACHINES)
        for host in MACHINES:
            with open(os.path.join(BUILD, "tests", "observation-cost"), "rb") as program:
                subprocess.run([LAB, "run", host, "--", "sh", "-c", "cat >/usr/local/bin/observation-cost; chmod +x /usr/local/bin/observation-cost"],
                               stdin=program, check=True)
            cluster.run(host, "systemctl", "stop", "muster-agent.service")
            print(f"{host}, microseconds:\n{cluster.run(host, '/usr/local/bin/observation-cost').stdout}")
            cluster.run(host, "sh", "-c", ROUTES)
            print(f"{host}, a thousand routes more:\n{cluster.run(host, '/usr/local/bin/observation-cost').stdout}")


if __name__ == "__main__":
    main()
