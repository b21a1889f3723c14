# shellcheck shell=dash  # busybox is near enough
# The machine's disks: which there are, which one is as the inventory names it, what is on each. Writes nothing. What is there is looked at
# by the root's own tools, in /lower. Sourced by init.sh.
state_type=7111afa7-0c7b-46ab-a745-bea77ebbdce0
state_mark="muster: this state disk is being made"
lower=${lower:-/lower}
sys=${sys:-/sys}
dev=${dev:-/dev}
muster_folder=${muster_folder:-/muster}

# By its path: busybox would take a word for its own.
tool() { chroot "$lower" "$@"; }
told() { sed -n "s|^$1 ||p" "$muster_folder/state-disk"; }

# What disks ask for, of the root's modules: the initrd has none of these.
load_disk_drivers() {
  local wanted='^(virtio|scsi|xen|vmbus|mmc|nvme):|^pci:.*bc01|^pci:.*bc08sc05'
  for folder in dev proc sys; do
    mount -o bind "/$folder" "$lower/$folder" || stop "the root's tools have no /$folder"
  done
  tool /sbin/modprobe -q ext4
  for _ in 1 2 3; do
    find /sys/devices -name modalias -exec cat '{}' ';' | grep -E "$wanted" | sort -u | xargs -r -n 16 chroot "$lower" /sbin/modprobe -q -a 2> /dev/null
    sleep 1
  done
}

release_disk_tools() {
  for folder in dev proc sys; do umount "$lower/$folder"; done
}

disks() {
  local path
  for path in "$sys"/block/*; do
    [ -e "$path/device" ] || continue
    [ "$(cat "$path/size")" -gt 0 ] || continue
    [ "$(cat "$path/hidden" 2> /dev/null)" = 1 ] && continue
    case $path in */sr[0-9]* | */fd[0-9]* | */mmcblk*boot[0-9] | */mmcblk*rpmb) continue ;; esac
    basename "$path"
  done
}

trimmed() { tr -d '\000-\037\177' | sed 's/^ *//; s/ *$//'; }
first_of() {
  local file
  for file; do [ -e "$file" ] && { cat "$file" 2> /dev/null; return; }; done
}
sectors_of() { cat "$sys/block/$1/size"; }
serial_of() {
  local page=$sys/block/$1/device/vpd_pg80
  if [ -e "$sys/block/$1/serial" ] || [ -e "$sys/block/$1/device/serial" ] || [ ! -e "$page" ]; then
    first_of "$sys/block/$1/serial" "$sys/block/$1/device/serial" | trimmed
  else
    dd if="$page" bs=1 skip=4 2> /dev/null | trimmed
  fi
}
bare_wwn() { tr '[:upper:]' '[:lower:]' | sed 's/^0x//; s/^naa\.//; s/^eui\.//'; }
wwn_of() { first_of "$sys/block/$1/wwid" "$sys/block/$1/device/wwid" | trimmed; }
path_of() { tool /bin/udevadm test-builtin path_id "/sys/block/$1" 2> /dev/null | sed -n 's/^ID_PATH=//p'; }

# "serial S1", as the inventory names it.
selection() { sed -n '/^serial /p; /^wwn /p; /^path /p' "$muster_folder/state-disk"; }
is_selected() {
  local value
  value=$(told serial)
  [ -z "$value" ] || { [ "$(serial_of "$1")" = "$value" ]; return; }
  value=$(told wwn | bare_wwn)
  [ -z "$value" ] || { [ "$(wwn_of "$1" | bare_wwn)" = "$value" ]; return; }
  value=$(told path)
  [ -n "$value" ] && [ "/dev/disk/by-path/$(path_of "$1")" = "$value" ]
}
selected() {
  local disk
  for disk in $(disks); do is_selected "$disk" && echo "$disk"; done
}

# Buses are slow to say what is on them: until the disk is there and no other came meanwhile.
await_disk() {
  local tries=0 before=none now
  while [ "$tries" -lt "${MUSTER_DISK_PATIENCE:-30}" ]; do
    now=$(disks)
    [ "$now" = "$before" ] && [ -n "$(selected)" ] && return
    before=$now
    tries=$((tries + 1))
    sleep 1
  done
}

# The numbers of the partitions that are ours.
state_partitions() { tool /bin/partx --raw --noheadings --output NR,TYPE "$dev/$1" 2> /dev/null | tr '[:upper:]' '[:lower:]' | sed -n "s/^\([0-9]*\) $state_type\$/\1/p"; }
partition_device() {
  case $1 in
    *[0-9]) echo "$dev/$1p$2" ;;
    *) echo "$dev/$1$2" ;;
  esac
}
partitions_of() {
  local path
  for path in "$sys/block/$1"/*/partition; do
    [ -e "$path" ] && basename "$(dirname "$path")"
  done
}
# By which order each of these was made, one a line: its number, or none.
orders_of() {
  tool /bin/partx --raw --noheadings --output TYPE,NAME "$dev/$1" 2> /dev/null | grep -i "^$state_type " | sed 's/.* //; s/^muster-state$/none/; s/^muster-state-//'
}

# What the disk is called wherever it is plugged in; one without such a name is known by its place.
name_of() {
  local serial wwn
  serial=$(serial_of "$1")
  wwn=$(wwn_of "$1" | bare_wwn)
  if [ -n "$serial$wwn" ]; then echo "serial [$serial], WWN [$wwn]"; else echo "path [$(path_of "$1")]"; fi
}
mark_of() { dd if="$dev/$1" bs=4096 skip=255 count=1 2> /dev/null | tr -d '\000' | grep "^$state_mark, .*, order \[[0-9]*\]\$"; }
# That of another disk (a copy of it, sector by sector) gives no right to this one.
is_unfinished() {
  case $(mark_of "$1") in "$state_mark, $(name_of "$1"), order ["*) ;; *) return 1 ;; esac
}
unfinished_order() { mark_of "$1" | sed 's/.*, order \[\([0-9]*\)\]$/\1/'; }
# One, whole, and by that order.
is_made_by() { [ -z "$(mark_of "$1")" ] && [ "$(orders_of "$1")" = "$2" ]; }

# What uses the disk now.
users_of() {
  local path
  for path in "$sys/block/$1"/holders/* "$sys/block/$1"/*/holders/*; do
    [ -e "$path" ] && echo "used by $(basename "$path")"
  done
  grep -q "^$dev/$1" /proc/mounts && echo "mounted"
}

# Sectors $2 to $3 of disk $1: fails where one is not zero; says so where they cannot be read.
are_zero() {
  local count=$(($3 - $2)) bytes
  bytes=$(dd if="$dev/$1" bs=512 skip="$2" count="$count" 2> /dev/null | wc -c)
  [ "$bytes" = $((count * 512)) ] || { echo "cannot be read"; return 0; }
  [ "$(dd if="$dev/$1" bs=512 skip="$2" count="$count" 2> /dev/null | tr -d '\000' | wc -c)" = 0 ]
}

# Everything that is found on it, one a line; nothing: it is blank.
contents_of() {
  local end known
  end=$(sectors_of "$1")
  if is_unfinished "$1"; then echo "a half-made state disk of Muster's"; return; fi
  known=$(mark_of "$1" | sed "s/^$state_mark, //; s/, order .*//")
  [ -z "$known" ] || echo "the half-made state of another disk: $known"
  for _ in $(state_partitions "$1"); do echo "a state of Muster's"; done
  if known=$(tool /sbin/wipefs --no-act --noheadings --output TYPE "$dev/$1" 2> /dev/null); then
    for kind in $known; do echo "$kind"; done
  else
    echo "cannot be read"
  fi
  known=$(partitions_of "$1" | wc -l)
  [ "$known" = 0 ] || echo "$known partition(s)"
  users_of "$1"
  are_zero "$1" 0 2048 || echo "a first MiB that is not zero"
  are_zero "$1" $((end - 2048)) "$end" || echo "a last MiB that is not zero"
}
joined() { tr '\n' ',' | sed 's/,$//; s/,/, /g'; }

# Of every disk, so that whoever reads it can name the right one.
candidates() {
  local disk holds
  for disk in $(disks); do
    holds=$(contents_of "$disk" | joined)
    printf '; %s: %s GiB, serial %s, WWN %s, path %s: %s' "$disk" $(($(sectors_of "$disk") / 2097152)) "$(serial_of "$disk" | grep . || echo none)" \
      "$(wwn_of "$disk" | grep . || echo none)" "$(path_of "$disk" | grep . || echo unknown)" "${holds:-blank}"
  done
  [ -n "$disk" ] || printf '; there is no disk'
}
refuse() { stop "$1$(candidates)"; }
