# shellcheck shell=dash  # busybox is near enough
# Brings the root file system: FOLDER/root.squashfs, of which nothing is used that is not as /muster/chunks says.
# /muster/chunks: the SHA-256 of each 2 MiB, in order. /muster/root: "DIGEST SIZE". Sourced by init.sh.
chunk_size=2097152
image_folder=${image_folder:-/image}
muster_folder=${muster_folder:-/muster}

size_of() { stat -c %s "$1" 2> /dev/null || echo 0; }

# The size to which chunk number $1 reaches.
end_of() {
  local reach=$((($1 + 1) * chunk_size))
  [ "$reach" -lt "$whole" ] && echo "$reach" || echo "$whole"
}

# Each chunk that is there by now and was not looked at. Fails at the first one that is another; what is behind it is cut off.
verify_chunks() {
  while [ "$verified" -lt "$chunks" ] && [ "$(size_of "$file")" -ge "$(end_of "$verified")" ]; do
    local expected found
    expected=$(sed -n "$((verified + 1))p" "$muster_folder/chunks")
    found=$(dd if="$file" bs=$chunk_size skip="$verified" count=1 2> /dev/null | sha256sum | cut -c 1-64)
    if [ "$found" != "$expected" ]; then
      say "$source: chunk $verified of $chunks: expected sha256:$expected, found sha256:$found"
      truncate -s $((verified * chunk_size)) "$file"
      return 1
    fi
    verified=$((verified + 1))
    local tenth=$((verified * 10 / chunks))
    [ "$tenth" = "$told" ] || { told=$tenth; say "root: $((tenth * 10)) % of $((whole / 1048576)) MiB"; }
  done
}

# Goes on where the last one stopped. Fails where this source gives no more, or another's bytes. Debian's busybox knows no
# time-out of wget's: a source that is silent for long is left here.
fetch_from() {
  local writer before=-1 idle=0
  wget -q -c -O "$file" "$source/v1/artifacts/$digest" 2> /dev/null &
  writer=$!
  while true; do
    if ! verify_chunks; then
      kill "$writer" 2> /dev/null
      wait "$writer" 2> /dev/null
      # What it wrote meanwhile is nobody's word.
      truncate -s $((verified * chunk_size)) "$file"
      return 1
    fi
    [ "$verified" -lt "$chunks" ] || { kill "$writer" 2> /dev/null; return 0; }
    kill -0 "$writer" 2> /dev/null || break
    if [ "$(size_of "$file")" = "$before" ]; then idle=$((idle + 1)); else idle=0; fi
    before=$(size_of "$file")
    [ "$idle" -lt "${MUSTER_PATIENCE:-150}" ] || { say "$source: silent for $((idle / 10)) s"; kill "$writer" 2> /dev/null; wait "$writer" 2> /dev/null; break; }
    usleep 100000
  done
  verify_chunks && [ "$verified" = "$chunks" ]
}

fetch_root() {
  enter fetch
  local digest whole chunks file verified=0 told=0 source
  read -r digest whole < "$muster_folder/root"
  chunks=$(wc -l < "$muster_folder/chunks")
  file=$image_folder/root.squashfs
  [ -n "$(argument muster.source=)" ] || stop "the command line names no source (muster.source=)"
  if [ -z "$MUSTER_NO_MOUNT" ]; then
    mount -t tmpfs -o "size=$((whole / 1024 + 1024))k,mode=0700" image "$image_folder" || stop "no memory for the image"
  fi
  # A source that breaks off again and again gives it in the end: what counts are rounds in which none gave anything. They
  # grow longer, a minute in all, so that a server that is started anew meanwhile is waited for.
  local fruitless=0 before
  while [ "$fruitless" -lt 5 ]; do
    before=$verified
    for source in $(argument muster.source=); do
      if fetch_from; then
        truncate -s "$whole" "$file"
        return
      fi
      say "$source: $verified of $chunks chunks so far; going on with the next source"
    done
    sleep $((${MUSTER_BREATH:-2} << fruitless))
    if [ "$verified" = "$before" ]; then fruitless=$((fruitless + 1)); else fruitless=0; fi
  done
  stop "no source gave chunk $verified of $chunks of $digest"
}
