#!/usr/bin/env bash
# One trace gives the same numbers whatever it is wrapped in: plain Lackey text, every
# compression, a pipe in small pieces, and the converted .pwt. Engine and trace columns aside.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

sample=$(ls "$PW_SOURCE"/traces/samples/*.lackey.xz | head -n 1)
xz -qdc "$sample" > "$dir/plain.lackey"

# every column but trace and engine, several machines
rows() {
  "$PAGEWALK" run -q --csv - "$@" | sed 's/^[^,]*,//; s/,[^,]*$//'
  "$PAGEWALK" run -q --csv - --page-size 2M --memory 16M --memory-policy opt "$@" | sed 's/^[^,]*,//; s/,[^,]*$//'
  "$PAGEWALK" run -q --csv - --itlb none --dtlb 16:2:plru --stlb 64:1 --memory 300K --memory-policy clock "$@" |
    sed 's/^[^,]*,//; s/,[^,]*$//'
}

rows "$dir/plain.lackey" > "$dir/want"
[ "$(wc -l < "$dir/want")" -eq 6 ]

same() { # name of the wrapping; rows on standard input
  diff "$dir/want" - > "$dir/diff" || { echo "FAIL: $1"; cat "$dir/diff"; exit 1; }
  echo "same: $1"
}

cp "$sample" "$dir/t.xz"
zstd -q "$dir/plain.lackey" -o "$dir/t.zst"
gzip -c "$dir/plain.lackey" > "$dir/t.gz"
bzip2 -c "$dir/plain.lackey" > "$dir/t.bz2"
lz4 -q -c "$dir/plain.lackey" > "$dir/t.lz4"
for suffix in xz zst gz bz2 lz4; do rows "$dir/t.$suffix" | same "$suffix"; done

# concatenated members, and a name that tells nothing
{ head -n 5000 "$dir/plain.lackey" | gzip -c; tail -n +5001 "$dir/plain.lackey" | gzip -c; } > "$dir/members"
rows "$dir/members" | same "two gzip members"

"$PAGEWALK" convert -q "$dir/plain.lackey" -o "$dir/t.pwt"
zstd -tq "$dir/t.pwt"
rows "$dir/t.pwt" | same "pwt"
"$PAGEWALK" convert -q "$dir/t.pwt" -o "$dir/again.pwt"
cmp "$dir/t.pwt" "$dir/again.pwt"

# a pipe, in pieces of every odd size; opt makes it a spooled one
piped() {
  for options in "" "--page-size 2M --memory 16M --memory-policy opt" \
                 "--itlb none --dtlb 16:2:plru --stlb 64:1 --memory 300K --memory-policy clock"; do
    # shellcheck disable=SC2086
    dd if="$1" bs="$2" status=none | "$PAGEWALK" run -q --csv - $options - | sed 's/^[^,]*,//; s/,[^,]*$//'
  done
}
piped "$dir/plain.lackey" 997 | same "pipe of text"
piped "$dir/t.xz" 61 | same "pipe of xz"
piped "$dir/t.pwt" 4099 | same "pipe of pwt"
