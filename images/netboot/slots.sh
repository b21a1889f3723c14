# shellcheck shell=dash  # busybox is near enough
# shellcheck disable=SC2154  # $slots: whoever sources this finds the partition
# The slots: two places on the state disk for what the machine starts by, without any file system that GRUB and Linux would have
# to agree about after a power cut. Sourced by the initrd, which makes them and starts by them (slot_start.sh), and by the root's
# program `slot`, which writes them.
#
# In the partition of the slots, in sectors: the state at 16 and once more at 24, the note at 1536, slot a at 2048, slot b at 3094528
# (grub.cfg knows these too). State, note and header are GRUB's environment blocks; GRUB writes files alone, so that the two of the state
# are files of a FAT of 512 KiB, in which nothing ever changes but these sectors in their places (loader.py). A slot: its header (8
# sectors), 1 MiB behind it the kernel, the initrd, the machine's archive and the root, one behind the other.
# shellcheck disable=SC2034  # whoever writes one asks for it
slot_size=1510 # MiB
slots_name=muster-slots
state_sectors='16 24'
note_sector=1536
dev=${dev:-/dev}
sys=${sys:-/sys}

slot_sector() {
  case $1 in
    a) echo 2048 ;;
    b) echo 3094528 ;;
  esac
}

# An environment block of GRUB's of $1 bytes, of the lines on standard input.
environment_block() {
  { echo "# GRUB Environment Block"; cat; head -c "$1" /dev/zero | tr '\000' '#'; } | head -c "$1"
}
state_block() { printf 'state=%s\nagain=%s\n' "$1" "$1" | environment_block 512; }
value_in() { sed -n "s/^$1=//p"; }

# Reads and writes of the partition $slots, by sectors.
read_sectors() { dd if="$slots" bs=512 skip="$1" count="$2" 2> /dev/null | tr -d '\000'; }
write_sectors() { dd of="$slots" bs=512 seek="$1" conv=notrunc,fsync 2> /dev/null; }

# The copy at sector $1, where it is whole: it says the same twice.
state_copy() {
  local block
  block=$(read_sectors "$1" 1)
  case $block in "# GRUB Environment Block"*) ;; *) return 1 ;; esac
  [ "$(echo "$block" | value_in state)" = "$(echo "$block" | value_in again)" ] || return 1
  echo "$block" | value_in state | grep -x '[ab.][ab.][abn.]'
}
# Three letters. $good: the slot that settled last; $spare: the one that did before (both are OK); $once: what the next start tries,
# once (TRY: a slot, or n, the network). ".": none ("-" would be an option to GRUB). Where neither copy is whole, whatever is in the slots may start the machine.
read_state() {
  local word
  word=$(state_copy "${state_sectors% *}" || state_copy "${state_sectors#* }" || echo ab.)
  good=$(echo "$word" | cut -c 1)
  spare=$(echo "$word" | cut -c 2)
  once=$(echo "$word" | cut -c 3)
}
# The second copy is written when the first one is on the disk: whatever a power cut tears, one is whole.
write_state() {
  local at
  for at in $state_sectors; do
    state_block "$good$spare$once" | write_sectors "$at" || return 1
    step "state-$at"
  done
}
# Where a power cut may come; tests end here.
step() { :; }

header_of() { read_sectors "$(slot_sector "$1")" 8; }
header_value() { header_of "$1" | value_in "$2"; }

# How far what was tried last has come: its header's id, and a phase; "settled" is the end. Nothing is decided by it.
write_note() { printf 'id=%s\nphase=%s\n' "$1" "$2" | environment_block 512 | write_sectors $note_sector; }
note_value() { read_sectors $note_sector 1 | value_in "$1"; }
