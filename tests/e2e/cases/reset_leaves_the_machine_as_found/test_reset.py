"""`muster-agent reset` leaves a machine as it was found: files, mounts, links, routes, rules, units, packages."""

N9 = "10.77.0.29"

# Everything of the machine that a stranger could tell it by. None of it: the journal, caches, and what Debian's
# own tools leave of a package that came and went (dpkg's logs, the backups /etc/passwd- and the like).
LOOK = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log/journal -o -path /var/lib/systemd \
  -o -path /var/tmp -o -path /var/cache -o -path /dev -o -path /var/log/dpkg.log -o -path /var/log/alternatives.log \) -prune -o -printf '%p %y %m %u:%g %l\n' | sort
echo '--- contents'; find /etc /usr/bin /usr/lib/systemd -xdev -type f ! -name '*-' -exec sha256sum {} + | sort -k 2
echo '--- var'; find /var/lib -xdev ! -path '/var/lib/systemd*' -printf '%p %y %m %u:%g\n' | sort
echo '--- mounts'; awk '{print $2, $3}' /proc/mounts | sort
echo '--- links'; ls /sys/class/net | sort; ip -4 route show; ip rule show
echo '--- rules'; nft list ruleset 2>/dev/null
echo '--- units'; systemctl list-units --type=service --state=active --plain --no-legend | awk '{print $1}' | sort
echo '--- packages'; dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sort
echo '--- kernel'; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/panic /proc/sys/vm/overcommit_memory
"""


def look(cluster):
    return cluster.run("n9", "sh", "-c", LOOK, timeout=120).stdout.splitlines()


def test_as_found(cluster):
    cluster.add_node("n9", N9)
    cluster.apply()
    # A stock root: what Muster installs, packages too, must go again. Looked at before the agent has run once.
    cluster.power_on({"n9": ("node", N9)}, image="stock", starts_agent=False)
    found = look(cluster)
    cluster.run("n9", "systemctl", "start", "muster.target")
    cluster.wait_converged(["n9"], seconds=180)
    cluster.run_pod("n9")
    assert look(cluster) != found
    cluster.run("n9", "muster-agent", "reset", "--yes", timeout=120)
    left = look(cluster)
    added, gone = sorted(set(left) - set(found)), sorted(set(found) - set(left))
    assert not added and not gone, "\n".join(["left behind:", *added, "gone:", *gone])
    cluster.run("n9", "muster-agent", "reset", "--yes", timeout=60)  # nothing left to do is no failure
    cluster.remove_node("n9")
