#!/usr/bin/env bash
# The seven cases worked by hand, from text input to CSV: every number below was computed on paper.
# Needs $PAGEWALK, the command under test.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0
checks=0

# expect NAME "OPTIONS" COLUMN=VALUE...: runs the trace in $dir/trace and compares columns by name.
expect() {
  local name=$1 options=$2 pair got
  shift 2
  # shellcheck disable=SC2086 # the options are words
  if ! "$PAGEWALK" run --csv - "$dir/trace" $options > "$dir/row" 2> "$dir/talk"; then
    echo "FAIL $name: run $options: $(cat "$dir/talk")"
    failures=$((failures + 1))
    return
  fi
  for pair in "$@"; do
    checks=$((checks + 1))
    got=$(awk -F, -v column="${pair%%=*}" '
      NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; if (!at) { print "no such column"; exit } }
      NR == 2 { print $at }
      NR > 2 { print "more than one row" }' "$dir/row")
    if [ "$got" != "${pair#*=}" ]; then
      echo "FAIL $name: run $options: ${pair%%=*} is '$got', by hand '${pair#*=}'"
      failures=$((failures + 1))
    fi
  done
}

# loads PAGE...: one 4-byte Lackey load on each page.
loads() {
  local page
  for page in "$@"; do
    printf ' L %x,4\n' $((page * 4096))
  done
}

# processes M STRIDE_BYTES N: each of M processes stores once to each of N addresses, STRIDE apart.
processes() {
  awk -v m="$1" -v stride="$2" -v n="$3" 'BEGIN {
    print "addr,op,size,pid,tid"
    for (p = 1; p <= m; p++) for (i = 0; i < n; i++) printf "0x%x,S,4,%d,%d\n", i * stride, p, p }'
}

# 1. A single-level table is its full array: 2^20 entries of 4 bytes for every process.
loads 1 > "$dir/trace"
expect 1-one-process '--table 20+12:4' levels=1 table_bytes=4194304 walk_refs=1 table_overhead=1024
processes 100 4096 1 > "$dir/trace"
expect 1-hundred-processes '--table 20+12:4' table_bytes=419430400 stores=100 minor_faults=100 \
  resident_bytes=409600 table_overhead=1024
loads 1 > "$dir/trace"
expect 1-64-bit '--levels 1' levels=1 table_bytes=549755813888

# 2. arm-short: the root takes 16 KiB, a leaf table 1 KiB and covers 1 MiB.
loads 3 > "$dir/trace"
expect 2-one-page '--table arm-short' levels=2 table_bytes=17408 walk_refs=2 table_overhead=4.25
processes 1 1048576 7 > "$dir/trace"
expect 2-seven-leaves '--table arm-short' table_bytes=$(((16 + 7) * 1024))
processes 5 1048576 7 > "$dir/trace"
expect 2-five-processes '--table arm-short' table_bytes=$(((16 + 7) * 1024 * 5)) minor_faults=35
processes 5 1048576 1 > "$dir/trace"
expect 2-five-processes-one-leaf '--table arm-short' table_bytes=$((17 * 1024 * 5))
expect 2-sections '--table arm-short --page-size 1M' levels=1 table_bytes=$((16 * 1024 * 5))
awk 'BEGIN { for (page = 0; page < 4096 * 256; page++) printf "%x000 R\n", page }' > "$dir/trace"
expect 2-everything-mapped '--table arm-short' accesses=1048576 minor_faults=1048576 major_faults=0 \
  resident_bytes=4294967296 table_bytes=$((4 * 1024 * 1024 + 16 * 1024)) table_overhead=0.000980377197

# 3. x86-64, one touched page.
loads 5 > "$dir/trace"
expect 3-4K '' levels=4 table_bytes=16384 walk_refs=4 resident_bytes=4096 table_overhead=4
expect 3-2M '--page-size 2M' levels=3 table_bytes=12288 walk_refs=3 resident_bytes=2097152
expect 3-1G '--page-size 1G' levels=2 table_bytes=8192 walk_refs=2 resident_bytes=1073741824

# 4. Belady's anomaly, and the policies that do not have it.
loads 0 1 2 3 0 1 4 0 1 2 3 4 > "$dir/trace"
belady() { # POLICY FRAMES FAULTS
  expect "4-$1-$2-frames" "--memory $(($2 * 4))K --memory-policy $1" accesses=12 minor_faults=5 \
    major_faults=$(($3 - 5)) swap_outs=0 resident_bytes=$(($2 * 4096))
}
belady lru 3 10
belady lru 4 8
belady fifo 3 9
belady fifo 4 10
belady opt 3 7
belady opt 4 6
expect 4-rate '--memory 12K --memory-policy opt' fault_rate=0.583333333 memory_bytes=12288 memory_policy=opt
expect 4-partial-frame '--memory 15K --memory-policy fifo' major_faults=4
expect 4-unlimited '' minor_faults=5 major_faults=0 memory_bytes=unlimited memory_policy=

# 5. Three pages in turn thrash two entries; two sets of two hold them.
loads 0 1 2 0 1 2 > "$dir/trace"
expect 5-two-full '--dtlb 2:full:lru --stlb none' dtlb_misses=6 walks=6 dtlb_miss_rate=1 dtlb_entries=2 dtlb_ways=2
expect 5-two-sets-of-two '--dtlb 4:2:lru --stlb none' dtlb_misses=3 walks=3 dtlb_miss_rate=0.5 walk_rate=0.5
expect 5-empty-fields '--dtlb 4:2:lru --stlb none' itlb_misses=0 itlb_miss_rate= stlb_entries=0 stlb_ways=0 \
  stlb_policy= stlb_lookups= stlb_misses= stlb_miss_rate= fetches=0
expect 5-with-stlb '--dtlb 2:full:lru --stlb 4:2' dtlb_misses=6 stlb_lookups=6 stlb_misses=3 walks=3 stlb_miss_rate=0.5

# 6. A dirty victim is written back once.
printf ' S 1000,8\n L 2000,8\n L 3000,8\n L 1000,8\n' > "$dir/trace"
expect 6-dirty '--memory 8K' loads=3 stores=1 minor_faults=3 major_faults=1 swap_outs=1 fault_rate=1
printf '1000 W\n2000 R\n3000 R\n1000 R\n' > "$dir/trace"
expect 6-dirty-as-hex '--memory 8K' loads=3 stores=1 minor_faults=3 major_faults=1 swap_outs=1
printf '1 1000\n0 2000\n0 3000\n0 1000\n' > "$dir/trace"
expect 6-dirty-as-din '--memory 8K' loads=3 stores=1 minor_faults=3 major_faults=1 swap_outs=1
printf ' L 1000,8\n L 2000,8\n L 3000,8\n L 1000,8\n' > "$dir/trace"
expect 6-clean '--memory 8K' minor_faults=3 major_faults=1 swap_outs=0

# 7. A straddling access counts once on each page.
printf ' L ffc,8\n' > "$dir/trace"
expect 7-straddle '' accesses=2 fetches=0 loads=2 stores=0 dtlb_misses=2 minor_faults=2 walks=2
expect 7-straddle-in-2M '--page-size 2M' accesses=2 loads=2 dtlb_misses=1 minor_faults=1 walks=1
printf ' M ffc,8\n' > "$dir/trace"
expect 7-straddling-modify '--dtlb 1 --stlb none' accesses=4 loads=2 stores=2 dtlb_misses=4 minor_faults=2
printf ' L ffc,4\n' > "$dir/trace"
expect 7-just-inside '' accesses=1 loads=1 dtlb_misses=1

echo "$checks numbers checked, $failures failures"
[ "$failures" -eq 0 ]
