#!/usr/bin/env bash
# Memory does not grow with the length of a trace: 50 million accesses convert and run
# in the memory that 5 million do (10 % and 1 MiB of leeway for the allocator).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
xz -qdc "$(ls "$PW_SOURCE"/traces/samples/*.lackey.xz | head -n 1)" > "$dir/text"
accesses=$(wc -l < "$dir/text")
failed=0

# text often enough for this many accesses
repeated() {
  for ((i = 0; i < $1; i += accesses)); do cat "$dir/text"; done
}

compare() { # what, KiB short, KiB long
  local verdict=ok
  if [ "$3" -gt $(($2 * 110 / 100 + 1024)) ]; then verdict=FAIL failed=1; fi
  echo "$verdict: $1: $2 KiB for 5 million accesses, $3 KiB for 50 million"
}

peak() {
  "$PW_BUILD/tests/measure" "$PAGEWALK" "$@" 3> "$dir/took" > /dev/null
  cut -d ' ' -f 3 "$dir/took" > "$dir/peak"
}

for n in 5000000 50000000; do
  repeated $n | peak convert -q - -o "$dir/$n.pwt"
  cp "$dir/peak" "$dir/peak.$n"
done
compare convert "$(cat "$dir/peak.5000000")" "$(cat "$dir/peak.50000000")"

for machine in "" "--memory 256K" "--memory 256K --memory-policy opt"; do
  for n in 5000000 50000000; do
    # shellcheck disable=SC2086
    peak run -q --csv - $machine "$dir/$n.pwt"
    cp "$dir/peak" "$dir/peak.$n"
  done
  compare "run $machine" "$(cat "$dir/peak.5000000")" "$(cat "$dir/peak.50000000")"
done
exit $failed
