# shellcheck shell=dash  # busybox is near enough
# shellcheck disable=SC2154  # names of disks.sh and slot_start.sh
# The disk that keeps the machine's state over its boots, at /state. Sourced by init.sh.
# /muster/state-disk: lines of a name and a value: machine, create (never, ifBlank, wipe), one of serial, wwn and path, and
# wipe: the number of an operator's order, and the serial number of the disk that it is for.
#
# Nothing of a disk that was named wrongly is written to (disks.sh). The state is a partition of a type that is ours alone. While it is
# made, a mark with the disk's name stands in front of it: whatever a power cut leaves behind that mark is ours, and made anew. It goes
# when all is there. The partition's name says by which order it was made: told again, that order changes nothing.
state=${state:-/state}
smallest=1024 # MiB
# A disk that has room keeps some in front of the state: for what the machine starts by from there (slots.sh).
roomy=16384
room=3072

zero() { dd if=/dev/zero of="$dev/$1" bs=512 seek="$2" count=$(($3 - $2)) conv=notrunc,fsync 2> /dev/null; }
# One sector, at once, before the partition.
write_mark() { printf '%s, %s, order [%s]' "$state_mark" "$(name_of "$1")" "$2" | dd of="$dev/$1" bs=4096 seek=255 count=1 conv=sync,notrunc,fsync 2> /dev/null; }

# By the order number $2, if one permits it. The file system first, where no table points to; then the table; then the mark goes.
make_state() {
  local end start=1 size part slots_too=
  end=$(sectors_of "$1")
  if [ $((end / 2048)) -ge "$roomy" ]; then
    start=$room
    [ ! -e "$lower$loader/core.img" ] || slots_too=yes
  fi
  size=$((end / 2048 - 1 - start))
  [ $((end / 2048)) -ge "$smallest" ] || refuse "the disk $1 is too small: expected 1 GiB"
  [ -z "$(users_of "$1")" ] || refuse "the disk $1 is in use"
  say "making the state disk on $1, serial $(serial_of "$1")"
  write_mark "$1" "$2" || refuse "the disk $1 cannot be written"
  step mark
  for part in $(partitions_of "$1"); do tool /sbin/wipefs --all --force --quiet "$dev/$part" > /dev/null 2>&1; done
  zero "$1" 0 2040 || refuse "the disk $1 cannot be written"
  zero "$1" $((end - 2048)) "$end" || refuse "the disk $1 cannot be written"
  step cleared
  [ -z "$slots_too" ] || make_slots "$1" || refuse "the disk $1 cannot be written"
  step loader
  tool /sbin/mke2fs -q -F -t ext4 -L muster-state -m 1 -e remount-ro -O '^metadata_csum_seed,^orphan_file' \
    -E "offset=$((start * 1048576)),nodiscard" "$dev/$1" "$((size * 1024))k" > "$muster_folder/tool" 2>&1 ||
    refuse "no file system can be made on $1: $(tail -n 1 "$muster_folder/tool")"
  sync
  step filesystem
  {
    echo "label: gpt"
    [ -z "$slots_too" ] || slots_table "$start"
    printf 'start=%sMiB, size=%sMiB, type=%s, name=%s\n' "$start" "$size" "$state_type" "muster-state${2:+-$2}"
  } | tool /sbin/sfdisk --quiet --wipe never --wipe-partitions never "$dev/$1" > "$muster_folder/tool" 2>&1
  sync
  [ "$(state_partitions "$1" | wc -l)" = 1 ] || refuse "no partition can be made on $1: $(tail -n 1 "$muster_folder/tool")"
  step table
  [ -z "$slots_too" ] || start_by_slots "$1" || refuse "the disk $1 cannot be written"
  step started
  zero "$1" 2040 2048 || refuse "the disk $1 cannot be written"
  step made
  tell_made
}
# In the timeline, by which the server knows that an order is done.
tell_made() {
  enter disk-made
  # shellcheck disable=SC2034,SC2100  # a name, which init.sh tells
  phase=state-disk
}
# One that is there, or one that may be made; every other end is a refusal.
find_state() {
  local disk=$1 serial holds create order wipe
  serial=$(serial_of "$disk")
  create=$(told create)
  wipe=$(told wipe)
  order=${wipe%% *}
  wipe=${wipe#* }
  [ -z "$wipe" ] || [ "$wipe" = "$serial" ] || refuse "the word to wipe is for the disk with serial $wipe, and $disk has ${serial:-none}; nothing was wiped"
  if [ "$create" = wipe ] && [ -n "$order" ]; then
    # It is told until the server hears that it is done: a power cut may come before that.
    if is_made_by "$disk" "$order"; then tell_made; else make_state "$disk" "$order"; fi
    return
  fi
  if is_unfinished "$disk"; then
    [ "$create" != never ] || refuse "the making of the state on $disk was cut off, and stateDisk.create is never: say ifBlank, which goes on with it"
    make_state "$disk" "$(unfinished_order "$disk")"
    return
  fi
  if [ -z "$(mark_of "$disk")" ]; then
    case $(state_partitions "$disk" | wc -l) in
      0) ;;
      1) return ;;
      *) refuse "the disk $disk has more than one state of Muster's" ;;
    esac
  fi
  holds=$(contents_of "$disk" | joined)
  [ "$create" != never ] || refuse "the disk $disk has no state of Muster's, and stateDisk.create is never"
  [ -n "$holds" ] || { make_state "$disk" ""; return; }
  [ "$create" = wipe ] || refuse "the disk $disk is not blank ($holds), and stateDisk.create is ifBlank"
  refuse "the disk $disk is not blank ($holds): muster node wipe-disk $(told machine | sed 's|.*/||') --serial '$serial' permits its next start to wipe it"
}

open_state() {
  local part status expected found
  part=$(partition_device "$1" "$(state_partitions "$1")")
  for _ in 1 2 3 4 5; do [ -e "$part" ] || sleep 1; done
  tool /sbin/e2fsck -p "$part" > "$muster_folder/tool" 2>&1
  status=$?
  [ "$status" -lt 4 ] || stop "the state on $1 needs a repair by hand: e2fsck -p: $(tail -n 1 "$muster_folder/tool")"
  mount -t ext4 -o noatime "$part" "$state" || stop "the state on $1 cannot be mounted"
  step mounted
  expected="$(told machine) $(sed -n 's/.*"sitePin": *"\([^"]*\)".*/\1/p' "$muster_folder/agent.json")"
  if [ ! -s "$state/machine" ]; then keep "$state/machine" "$expected"; fi
  found=$(cat "$state/machine")
  [ "$found" = "$expected" ] || stop "the state on $1 is another machine's: expected that of $expected, found $found; with stateDisk.create: wipe, muster node wipe-disk permits to make it anew"
}

# Whole, or as it was.
keep() {
  printf '%s\n' "$2" > "$1.new" && sync && step "half-$(basename "$1")" && mv "$1.new" "$1" && sync
}

use_state_disk() {
  enter state-disk
  # Nothing mends by itself what is refused here.
  # shellcheck disable=SC2034  # init.sh waits so long
  pause=300
  load_disk_drivers
  await_disk
  case $(selected | wc -l) in
    0) refuse "no disk has $(selection)" ;;
    1) ;;
    *) refuse "more than one disk has $(selection)" ;;
  esac
  local disk
  disk=$(selected)
  find_state "$disk"
  open_state "$disk"
  release_disk_tools
  # shellcheck disable=SC2034  # as above
  pause=20
  take_changes
  say "state on $disk: $(selection)"
}

# What was changed of an image (secrets in /etc, releases that it lacks) goes with that image: kept are those of this image and
# of the one that was started before it, to which the server may go back. $state/images: their digests, the newest first.
# shellcheck disable=SC2034  # init.sh lays it over the root
take_changes() {
  local image before folder
  read -r image _ < "$muster_folder/root"
  image=${image#sha256:}
  changes=$state/root/$image
  if [ "$(sed -n 1p "$state/images" 2> /dev/null)" != "$image" ]; then
    before=$(grep -vx "$image" "$state/images" 2> /dev/null | sed -n 1p)
    # Of an image that is not listed there may be half of what was to be removed.
    grep -qx "$image" "$state/images" 2> /dev/null || rm -rf "$changes" || stop "what was changed of an image before cannot be removed"
    step removed
    mkdir -p "$changes/changes" "$changes/work" || stop "the state has no room"
    keep "$state/images" "$image${before:+
$before}" || stop "the state has no room"
  fi
  for folder in "$state"/root/*; do
    grep -qx "$(basename "$folder")" "$state/images" || rm -rf "$folder" || stop "what was changed of an image before cannot be removed"
  done
  if [ ! -d "$state/log" ]; then
    rm -rf "$state/log.new"
    cp -a "$lower/var/log" "$state/log.new" || stop "the state has no room"
    sync
    step half-log
    mv "$state/log.new" "$state/log"
  fi
  grep -qx '[0-9a-f]\{32\}' "$state/machine-id" 2> /dev/null || keep "$state/machine-id" "$(tr -d - < /proc/sys/kernel/random/uuid)"
}
