#!/bin/busybox sh
# shellcheck shell=dash  # busybox is near enough
# The whole of the initrd: brings the root, verified chunk by chunk, and hands the machine over to it. Every way out but
# that one is a reboot with its reason, told on the console and to the server: there is no shell here for anybody.
export PATH=/bin
phase=start
pause=20
# Of a start by the network; slot_start.sh has another.
root_device=/image/root.squashfs
root_options=loop,ro

say() { echo "muster: $*"; }

# For the console, the server and the timeline: a phase with the seconds since the kernel's start.
enter() {
  local up
  phase=$1
  read -r up _ < /proc/uptime && echo "$1 $up" >> /muster/boot-phases
  # Of a slot that is tried, for the start after it (slots.sh).
  [ -z "$noted" ] || write_note "$noted" "$1"
}

# The words of the kernel's command line that begin with $1, one a line, without that.
argument() { tr ' ' '\n' < /proc/cmdline | sed -n "s|^$1||p"; }

# To the first source that takes it.
tell() {
  local macs
  macs=$(cat /sys/class/net/*/address | tr '\n' ,)
  argument muster.source= | while read -r server; do
    timeout 5 wget -q -O /dev/null --post-data "phase=$phase image=$(argument muster.image=) $*" "$server/boot/failure?mac=$macs" && break
  done
}

stop() {
  say "$phase: $*"
  tell "$*"
  say "restarting in ${MUSTER_PAUSE:-$pause} s"
  sleep "${MUSTER_PAUSE:-$pause}"
  ${MUSTER_REBOOT:-reboot -f}
  exit 1
}

mount_kernel() {
  mkdir -p /proc /sys /dev /image /lower /state /root
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t devtmpfs devtmpfs /dev
}

# What the devices ask for by themselves; a second time, since some are behind others.
load_drivers() {
  enter drivers
  for module in squashfs overlay loop af_packet dm-verity; do modprobe -q "$module"; done
  for _ in 1 2; do
    find /sys/devices -name modalias -exec cat '{}' ';' | sort -u | xargs -r -n 16 modprobe -q -a 2> /dev/null
    sleep 1
  done
}

# What hangs is started anew: by the hardware's watchdog, where it has one that Linux knows, else by the kernel's own, which sees a hang
# of programs alone. It is fed while the initrd has not taken longer than it may, and by systemd from there on (RuntimeWatchdogSec).
start_watchdog() {
  local fed=0
  [ -e /dev/watchdog ] || modprobe -q softdog
  [ -e /dev/watchdog ] || { say "no watchdog: nothing ends a hang of this machine"; return; }
  # Which sets its time; it is ended so that it cannot switch it off.
  watchdog -F -T 120 -t 100000 /dev/watchdog 2> /dev/null &
  sleep 1
  kill -9 $!
  while [ $fed -lt 120 ]; do
    echo
    fed=$((fed + 1))
    sleep 10 > /dev/null
  done > /dev/watchdog &
  feeder=$!
}

# The one that the firmware booted by comes first.
interfaces() {
  local booted
  booted=$(argument BOOTIF=01- | tr - : | tr A-F a-f)
  for path in /sys/class/net/*; do
    [ "$(cat "$path/address")" = "$booted" ] && basename "$path"
  done
  for path in /sys/class/net/*; do
    [ -e "$path/device" ] && [ "$(cat "$path/address")" != "$booted" ] && basename "$path"
  done
}

# $1: how often each interface is asked for. Fails where none got an address.
find_network() {
  enter network
  for _ in $(seq "$1"); do
    for interface in $(interfaces); do
      ip link set "$interface" up
      if udhcpc -q -n -t 4 -T 3 -i "$interface" -s /muster/udhcpc > /dev/null 2>&1; then
        say "$interface: $(ip -4 addr show "$interface" | sed -n 's/ *inet \([^ ]*\).*/\1/p')"
        came_by=$(cat "/sys/class/net/$interface/address")
        return
      fi
    done
  done
  say "no interface got an address by DHCP: $(interfaces | tr '\n' ' ')"
  return 1
}

# shellcheck source=images/netboot/fetch.sh
. /muster/fetch.sh

# shellcheck source=images/netboot/slots.sh
. /muster/slots.sh

# shellcheck source=images/netboot/slot_start.sh
. /muster/slot_start.sh

# shellcheck source=images/netboot/disks.sh
. /muster/disks.sh

# shellcheck source=images/netboot/state_disk.sh
. /muster/state_disk.sh

# The whole state in memory; nothing is taken that is not written.
use_memory() {
  # Half of it for the root's changes, at most; containers' layers lie on a file system of their own: an overlay takes no
  # overlay's changes.
  mount -t tmpfs -o size=60%,mode=0755 state /state || stop "no memory for the machine's state"
  mkdir /state/root
  mount -t tmpfs -o size=50%,mode=0755 writable /state/root || stop "no memory for the root's changes"
  changes=/state/root
  mkdir "$changes/changes" "$changes/work"
}

mount_root() {
  enter root
  mount -t squashfs -o "$root_options" "$root_device" /lower || stop "the root cannot be mounted"
  local folders="containerd kubelet muster" changes
  if [ -s /muster/state-disk ]; then
    use_state_disk
    take_lease
    folders="$folders etcd"
  else
    use_memory
  fi
  # The inodes of what was not written are the squashfs' own, by which the agent knows its releases.
  mount -t overlay -o "lowerdir=/lower,upperdir=$changes/changes,workdir=$changes/work,xino=off" overlay /root || stop "no overlay over the root"
  for folder in $folders; do
    mkdir -p "/state/$folder" "/root/var/lib/$folder"
    mount -o bind "/state/$folder" "/root/var/lib/$folder" || stop "/var/lib/$folder has no place of its own"
  done
  [ ! -d /state/log ] || mount -o bind /state/log /root/var/log || stop "/var/log has no place of its own"
  [ ! -s /state/machine-id ] || cp /state/machine-id /root/etc/machine-id || stop "the machine's ID cannot be written"
  umount -l /state
}

# Who the machine is to trust and what it is called; with the image's own pin, nobody else's.
place_settings() {
  enter settings
  [ -s /muster/agent.json ] || stop "the server gave no settings beside the image"
  if [ -s /muster/site-pin ]; then
    grep -qF "\"$(cat /muster/site-pin)\"" /muster/agent.json || stop "the settings are another site's: expected the pin $(cat /muster/site-pin)"
  fi
  mkdir -p /root/etc/muster /root/etc/systemd/network /root/opt/muster
  (umask 077 && cp /muster/agent.json /root/etc/muster/agent.json) || stop "the settings cannot be written"
  [ ! -s /muster/hostname ] || cp /muster/hostname /root/etc/hostname
  [ ! -s /muster/carried-releases.json ] || cp /muster/carried-releases.json /root/opt/muster/carried-releases.json
  cp /muster/boot-phases /root/etc/muster/boot-phases
  # For the slots' archive, by which the same disk is found and none is made.
  [ ! -s /muster/state-disk ] || sed '/^wipe /d; s/^create .*/create never/' /muster/state-disk > /root/etc/muster/state-disk
  keep_address > /root/etc/systemd/network/20-muster-boot.network || stop "the network's settings cannot be written"
}

# What DHCP said, for a start at which nobody answers: "MAC ADDRESS/PREFIX GATEWAY".
take_lease() {
  if [ -n "$came_by" ]; then
    keep /state/lease "$came_by $(ip -4 addr show "$interface" | sed -n 's/ *inet \([^ ]*\).*/\1/p') $(ip -4 route | sed -n 's/^default via \([^ ]*\).*/\1/p')"
  else
    [ ! -s /state/lease ] || read -r came_by address gateway < /state/lease
  fi
}

# The address that the root came by goes on, renewed. The inventory says that it is this machine's, so that it stays while
# no DHCP server answers, and is taken again where none answered at all. By its MAC, as the firmware and this initrd asked, else
# some servers would give another one.
keep_address() {
  cat << E
[Match]
Type=ether
MACAddress=$came_by
[Network]
E
  if [ -n "$address" ]; then
    echo "Address=$address"
    [ -z "$gateway" ] || echo "Gateway=$gateway"
    return
  fi
  cat << E
DHCP=ipv4
KeepConfiguration=dhcp
[DHCPv4]
ClientIdentifier=mac
UseHostname=no
E
}

# As the image would find them at a start from a disk: what is up cannot be renamed, and networkd waits for ever for what
# udev did not rename.
release_network() {
  for interface in $(interfaces); do
    ip addr flush dev "$interface"
    ip link set "$interface" down
  done
}

main() {
  mount_kernel
  trap 'stop "the initrd ended"' EXIT
  say "image $(argument muster.image=)"
  load_drivers
  start_watchdog
  local slot
  slot=$(argument muster.slot=)
  if [ -n "$slot" ]; then
    open_slot_root "$slot"
    # Whoever has all on its disk waits for nobody.
    find_network 1 || :
  else
    find_network 3 || stop "no interface got an address"
    fetch_root
  fi
  mount_root
  place_settings
  trap - EXIT
  say "handing over to the image"
  [ -z "$noted" ] || write_note "$noted" systemd
  release_network
  [ -z "$feeder" ] || kill -9 "$feeder"
  umount /sys
  umount /proc
  # Where even that fails, the kernel panics, and panic=30 starts it anew.
  exec switch_root /root /sbin/init
}
main
