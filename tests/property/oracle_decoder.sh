#!/usr/bin/env bash
# docs/trace-format.md against the writer: a decoder written from that page alone must accept what
# convert writes and find in it what the raw trace held; and what it decodes from the samples, run
# through the naive oracle, must give pagewalk's numbers. Needs $PAGEWALK, $PW_SOURCE and $PW_BUILD.
set -u
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?}" "${PW_BUILD:?}"
oracle=$PW_BUILD/tests/oracle/oracle
gentrace=$PW_BUILD/tests/oracle/gentrace
decoder=$PW_SOURCE/tests/property/oracle_decoder.py
compare=$PW_SOURCE/tests/oracle/compare.awk
samples=$PW_SOURCE/traces/samples
blocks=${ORACLE_BLOCKS:-3} # of each sample; the container is always checked whole
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
checks=0
failures=0

check() { # NAME COMMAND...
  local name=$1
  shift
  checks=$((checks + 1))
  if ! "$@" > "$dir/said" 2>&1; then
    failures=$((failures + 1))
    echo "FAIL $name: $*"
    cat "$dir/said"
  fi
}

# What the decoder says depends on it and the files alone: what it said of the same bytes in another build under the
# source's build folder, which has the same samples and must write the same .pwt, is not asked again.
case $PW_BUILD in
  "$PW_SOURCE"/build/*) said=$PW_SOURCE/build/decoded ;;
  *) said=$dir/decoded ;;
esac
mkdir -p "$said"
decode() { # MODE FILE [BLOCKS or RAW]: its standard output, and its complaints as such
  local key
  key=$(cat "$decoder" "$2" "$([ "$1" = compare ] && echo "$3" || echo /dev/null)" | sha256sum) || return 1
  key=$said/${key%% *}-$1${3:+-$([ "$1" = compare ] || echo "$3")}
  if [ ! -e "$key" ]; then
    python3 "$decoder" "$@" > "$dir/decoded.out" 2> "$dir/decoded.err" || { cat "$dir/decoded.err" >&2; return 1; }
    rm -rf "$key.$$" && mkdir "$key.$$" && mv "$dir/decoded.out" "$dir/decoded.err" "$key.$$" || return 1
    mv -T "$key.$$" "$key" 2> "$dir/talk" || rm -rf "$key.$$" # another test may have been faster
  fi
  cat "$key/decoded.out"
  cat "$key/decoded.err" >&2
}

# The numbers of `info --json` that the decoder knows too must be the decoder's.
same_totals() { # PWT BLOCKS
  "$PAGEWALK" info --json "$1" > "$dir/info.json" || return 1
  decode totals "$1" ${2:+"$2"} > "$dir/totals" || return 1
  python3 - "$dir/info.json" "$dir/totals" "${2:-}" << 'END'
import json, sys
def find(tree, name):
    if isinstance(tree, dict):
        if name in tree:
            return tree[name]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            found = find(branch, name)
            if found is not None:
                return found
    return None
info = json.load(open(sys.argv[1]))
bad = compared = 0
for line in open(sys.argv[2]):
    name, _, value = line.rstrip('\n').partition('=')
    if sys.argv[3] and name in ('pages', 'threads'):
        continue # of some blocks only
    found = find(info, name)
    if name in ('accesses', 'fetches', 'loads', 'stores') and found is None:
        print('info --json does not give', name)
        bad = 1
    if isinstance(found, int):
        compared += 1
        if found != int(value):
            print(f'{name}: info says {found}, the decoder {value}')
            bad = 1
sys.exit(bad or compared < 4)
END
}

# What the decoder says must be what the file was made of.
round_trip() { # RAW
  "$PAGEWALK" convert -q "$1" -o "$dir/round.pwt" && zstd -tq "$dir/round.pwt" &&
    same_totals "$dir/round.pwt" '' && decode compare "$dir/round.pwt" "$1"
}

# A sample's touches through the oracle: the accesses are gone, but all that follows from pages stays.
# shellcheck disable=SC2086 # options are words
same_numbers() { # PWT ACCESSES "OPTIONS OF RUN" "OPTIONS OF ORACLE"
  "$PAGEWALK" run --csv - "$1" --limit "$2" --ignore events,kernel $3 > "$dir/row" 2> "$dir/talk" ||
    { cat "$dir/talk"; return 1; }
  "$oracle" $4 < "$dir/touches" > "$dir/want" || return 1
  (cd "$dir" && awk -v loose='accesses|fetches|loads|stores|rate' -f "$compare" want row)
}

# A mended checksum must not be what makes the decoder accept: it must also be able to refuse.
refuses_flips() { # PWT
  python3 - "$1" "$dir/flipped.pwt" "$decoder" << 'END'
import subprocess, sys
data = open(sys.argv[1], 'rb').read()
for at in [9, len(data) // 3, len(data) // 2, len(data) - 60, len(data) - 1]:
    with open(sys.argv[2], 'wb') as out:
        out.write(data[:at] + bytes([data[at] ^ 16]) + data[at + 1:])
    if subprocess.run([sys.executable, sys.argv[3], 'totals', sys.argv[2]], capture_output=True).returncode == 0:
        sys.exit(f'accepted a flip at byte {at}')
END
}

for options in '--seed 1' '--seed 2 --tids 3 --pids 2 --accesses 20000 --straddle 20 --modify 30' \
  '--seed 3 --range mixed --pages 300 --accesses 30000 --locality 20' '--seed 4 --pages 2 --code-pages 1 --accesses 90000' \
  '--seed 5 --pages 1 --code-pages 1 --locality 99 --accesses 200000 --shared 1' \
  '--seed 6 --tids 8 --pids 8 --burst 2 --accesses 20000' '--seed 7 --pages 1000 --accesses 200000 --locality 10'; do
  # shellcheck disable=SC2086
  "$gentrace" $options > "$dir/raw.csv" || exit 1
  check "gentrace $options" round_trip "$dir/raw.csv"
done
check 'flipped bytes' refuses_flips "$dir/round.pwt"

for text in "$samples"/*.lackey.zst "$samples"/*.lackey.xz; do
  [ -e "$text" ] || continue
  case $text in
    *.zst) zstd -dcq "$text" ;;
    *) xz -dc "$text" ;;
  esac > "$dir/raw.lackey"
  check "$(basename "$text")" round_trip "$dir/raw.lackey"
done

simulated=0
for sample in "$samples"/*.pwt; do
  [ -e "$sample" ] || continue
  name=$(basename "$sample")
  check "$name totals" same_totals "$sample" "$blocks"
  ((++simulated > ${ORACLE_SAMPLES:-3})) && continue
  if ! decode touches "$sample" "$blocks" > "$dir/touches" 2> "$dir/limit"; then
    echo "FAIL $name touches: $(cat "$dir/limit")"
    failures=$((failures + 1))
    continue
  fi
  limit=$(sed -n 's/^accesses=//p' "$dir/limit")
  half=$(cut -d, -f1,4 "$dir/touches" | sort -u | wc -l)
  half=$((half / 2 + 1))
  few=$((half / 4 + 2))
  check "$name defaults" same_numbers "$sample" "$limit" '' ''
  check "$name lru" same_numbers "$sample" "$limit" "--memory $((half * 4))K" "--memory $half --policy lru"
  check "$name fifo" same_numbers "$sample" "$limit" \
    "--memory $((few * 4))K --memory-policy fifo --itlb 16:4:fifo --dtlb 32:full:fifo --stlb 128:8:plru" \
    "--memory $few --policy fifo --itlb 16:4:fifo --dtlb 32:32:fifo --stlb 128:8:plru"
  check "$name clock" same_numbers "$sample" "$limit" \
    "--memory $((half * 4))K --memory-policy clock --itlb 12:4 --dtlb 8:1 --stlb 96:6:fifo" \
    "--memory $half --policy clock --itlb 12:4:lru --dtlb 8:1:lru --stlb 96:6:fifo"
  check "$name opt" same_numbers "$sample" "$limit" \
    "--memory $((few * 4))K --memory-policy opt --itlb 8:8:plru --dtlb 16:2:plru --stlb none" \
    "--memory $few --policy opt --itlb 8:8:plru --dtlb 16:2:plru --stlb none"
  check "$name 2M" same_numbers "$sample" "$limit" '--page-size 2M --memory 8M --itlb 2 --dtlb 4 --stlb 8:2' \
    '--page-shift 21 --memory 4 --itlb 2:2:lru --dtlb 4:4:lru --stlb 8:2:lru'
done
if ((simulated < 3)); then
  echo "FAIL: $samples holds fewer than three traces to compare"
  failures=$((failures + 1))
fi

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
