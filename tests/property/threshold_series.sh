# A recorded program that crosses malloc's threshold: the time series shows which phase pays, and how much.
set -u
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
compiler=$(command -v gcc || command -v cc) || { echo "no compiler"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
"$compiler" -O2 "$PW_SOURCE/traces/programs/threshold.c" -o threshold 2>err || { echo "not with this libc: $(cat err)"; exit 77; }
"$PAGEWALK" record -q -o t.pwt -- ./threshold 40 >out || { echo "record failed"; exit 1; }
"$PAGEWALK" run t.pwt --every 100K --csv series.csv || exit 1
"$PAGEWALK" run t.pwt --every 100K --csv parallel.csv --jobs 3 || exit 1
cmp series.csv parallel.csv || { echo "--jobs 3 gives other bytes"; exit 1; }

# Phases by what is mapped: a buffer of 136 KiB and its header are 35 pages, faulted in and given back each time.
awk -F, '
  NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
  { heap += $at["heap_minor_faults"]; mmap += $at["mmap_minor_faults"]; back += $at["mmap_returned_bytes"]
    heap_back += $at["heap_returned_bytes"]
    if ($at["mmap_bytes"] > most) most = $at["mmap_bytes"]
    last = $at["mmap_bytes"]; heap_last = $at["heap_bytes"]; if (!heap_first) heap_first = heap_last }
  END {
    pages = 35 * 40
    if (mmap < pages || mmap > pages + 20) { print "faults of mappings: " mmap; bad = 1 }
    if (back != pages * 4096) { print "mappings given back: " back; bad = 1 }
    if (heap < 30 || heap > 80) { print "faults of the heap: " heap; bad = 1 }
    if (heap_back != 0) { print "heap given back: " heap_back; bad = 1 }
    if (most - last < 35 * 4096 || most - last > 70 * 4096) { print "mapped at most " most ", at the end " last; bad = 1 }
    if (heap_last <= heap_first) { print "the heap did not grow: " heap_first " to " heap_last; bad = 1 }
    exit bad
  }' series.csv
