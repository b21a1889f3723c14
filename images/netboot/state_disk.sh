# shellcheck shell=dash  # busybox is near enough
# The disk that keeps the machine's state over its boots, at /state. Sourced by init.sh.
# /muster/state-disk: lines of a name and a value: machine, create (never, ifBlank, wipe), one of serial, wwn and path, and
# wipe: the number of an operator's order, and the serial number of the disk that it is for.
#
# Nothing of a disk that was named wrongly is written to: what is there is looked at by the root's own tools, in /lower. The state is a
# partition of a type that is ours alone. While it is made, a mark with the disk's name stands in front of it: whatever a
# power cut leaves behind that mark is ours, and made anew. It goes when all is there. The partition's name says by which
# order it was made: told again, that order changes nothing.
state_type=7111afa7-0c7b-46ab-a745-bea77ebbdce0
state_mark="muster: this state disk is being made"
lower=${lower:-/lower}
state=${state:-/state}
sys=${sys:-/sys}
dev=${dev:-/dev}
muster_folder=${muster_folder:-/muster}
smallest=1024 # MiB
# A disk that has room keeps some in front of the state: for what the machine may one day start by from there.
roomy=16384
room=3072

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

zero() { dd if=/dev/zero of="$dev/$1" bs=512 seek="$2" count=$(($3 - $2)) conv=notrunc,fsync 2> /dev/null; }
# One sector, at once, before the partition.
write_mark() { printf '%s, %s, order [%s]' "$state_mark" "$(name_of "$1")" "$2" | dd of="$dev/$1" bs=4096 seek=255 count=1 conv=sync,notrunc,fsync 2> /dev/null; }

# By the order number $2, if one permits it. The file system first, where no table points to; then the table; then the mark goes.
make_state() {
  local end start=1 size part
  end=$(sectors_of "$1")
  [ $((end / 2048)) -lt "$roomy" ] || start=$room
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
  tool /sbin/mke2fs -q -F -t ext4 -L muster-state -m 1 -e remount-ro -O '^metadata_csum_seed,^orphan_file' \
    -E "offset=$((start * 1048576)),nodiscard" "$dev/$1" "$((size * 1024))k" > "$muster_folder/tool" 2>&1 ||
    refuse "no file system can be made on $1: $(tail -n 1 "$muster_folder/tool")"
  sync
  step filesystem
  printf 'label: gpt\nstart=%sMiB, size=%sMiB, type=%s, name=%s\n' "$start" "$size" "$state_type" "muster-state${2:+-$2}" |
    tool /sbin/sfdisk --quiet --wipe never --wipe-partitions never "$dev/$1" > "$muster_folder/tool" 2>&1
  sync
  [ "$(state_partitions "$1")" = 1 ] || refuse "no partition can be made on $1: $(tail -n 1 "$muster_folder/tool")"
  step table
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
# Where a power cut may come; tests end here.
step() { :; }

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
