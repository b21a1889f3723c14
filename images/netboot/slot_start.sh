# shellcheck shell=dash  # busybox is near enough
# shellcheck disable=SC2154,SC2034  # names of slots.sh, disks.sh and init.sh
# The slots (slots.sh) as the initrd has to do with them: made with the state, and started from. Sourced by init.sh.
slots_type=85dc0b8d-6a4c-4e2b-9f0e-2b7c3a5e1d14
slots_start=50 # MiB; in front of it: 1 MiB of the BIOS's, 48 MiB of UEFI's
loader=/usr/lib/muster/loader
lower=${lower:-/lower}

# Lines of sfdisk's, in front of the state's.
slots_table() {
  printf 'start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=muster-bios\n'
  printf 'start=2MiB, size=48MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=muster-esp\n'
  printf 'start=%sMiB, size=%sMiB, type=%s, name=%s\n' "$slots_start" "$(($1 - slots_start))" "$slots_type" "$slots_name"
}
# On the disk $1: the loader's bytes, and no slot. The sector by which the disk starts comes with the table (start_by_slots).
make_slots() {
  local at=$((slots_start * 2048)) slot
  for slot in a b; do zero "$1" $((at + $(slot_sector $slot))) $((at + $(slot_sector $slot) + 8)) || return 1; done
  zero "$1" $((at + note_sector)) $((at + note_sector + 1)) &&
    dd if="$lower$loader/core.img" of="$dev/$1" bs=512 seek=2048 conv=notrunc,fsync 2> /dev/null &&
    dd if="$lower$loader/esp.img" of="$dev/$1" bs=1048576 seek=2 conv=notrunc,fsync 2> /dev/null &&
    dd if="$lower$loader/slots.img" of="$dev/$1" bs=1048576 seek=$slots_start conv=notrunc,fsync 2> /dev/null
}
start_by_slots() { dd if="$lower$loader/boot.img" of="$dev/$1" bs=440 count=1 conv=notrunc,fsync 2> /dev/null; }

# The partition of the slot $1 that the loader started, $slots: by the slot's own id $2, since another disk may be plugged in that has slots.
find_started() {
  local path found=
  for path in "$sys"/class/block/*/uevent; do
    grep -qx "PARTNAME=$slots_name" "$path" || continue
    slots=$dev/$(basename "$(dirname "$path")")
    [ "$(header_value "$1" id)" != "$2" ] || found="$found $slots"
  done
  # shellcheck disable=SC2086  # a list
  set -- $found
  slots=$1
  [ $# = 1 ]
}

# The word that GRUB adds to a slot's own (grub.cfg).
is_trial() { tr ' ' '\n' < "${cmdline:-/proc/cmdline}" | grep -qx muster.trial; }

# The root of the slot that runs, on the disk, under dm-verity: no block is used that is not of the tree whose root this initrd has. All of it
# is read once, so that a slot that is not whole is nobody's from then on; what is read later, of a disk that fails meanwhile, is an error.
open_slot_root() {
  local slot=${1%%/*} id=${1#*/} tries=0 number offset table
  enter "slot-$slot"
  until find_started "$slot" "$id"; do
    tries=$((tries + 1))
    [ "$tries" -lt "${MUSTER_DISK_PATIENCE:-30}" ] || stop "no disk, or more than one, has the slot that started this machine: $1"
    sleep 1
  done
  if is_trial; then noted=$id; fi
  offset=$(($(header_value "$slot" root) * 512))
  number=$(losetup -f)
  losetup -r -o "$offset" "$number" "$slots" || stop "slot $slot cannot be read"
  read -r blocks hash < "$muster_folder/verity"
  table="0 $((blocks * 8)) verity 1 $number $number 4096 4096 $blocks $blocks sha256 $hash -"
  dmsetup create muster-root --readonly --noudevrules --noudevsync --table "$table" > /dev/null || stop "slot $slot: dm-verity: $table"
  root_device=$dev/dm-0 # the first, of whatever name
  root_options=ro
  enter verify
  dd if="$root_device" of=/dev/null bs=1048576 2> "$muster_folder/tool" && return
  give_up_slot "$slot"
  stop "slot $slot: its root is not as the image has it: $(head -n 1 "$muster_folder/tool")"
}

# What is spare comes in its place, or else the network.
give_up_slot() {
  read_state
  if [ "$good" = "$1" ]; then
    good=$spare
    spare=.
  fi
  [ "$good" != "$1" ] || good=.
  [ "$spare" != "$1" ] || spare=.
  [ "$once" != "$1" ] || once=.
  write_state || say "the state of the slots cannot be written"
}
