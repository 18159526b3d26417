#!/usr/bin/env bash
# Small traces that once told pagewalk and the naive oracle apart, or that random traces hit too
# seldom. Each is written as pages: L5 is a load on page 5; I, S and M likewise; p2 makes process 2 run.
# Needs $PAGEWALK and $PW_BUILD.
set -u
: "${PAGEWALK:?the command under test}" "${PW_BUILD:?the build folder}"
oracle=$PW_BUILD/tests/oracle/oracle
compare=$(cd "$(dirname "$0")/../oracle" && pwd)/compare.awk
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0

write_trace() { # TOUCH...
  local touch process=1
  echo addr,op,size,pid,tid
  for touch in "$@"; do
    case $touch in
      p*) process=${touch#p} ;;
      *) printf '0x%x,%s,4,%d,%d\n' $((${touch:1} * 4096)) "${touch:0:1}" "$process" "$process" ;;
    esac
  done
}

# shellcheck disable=SC2086 # options are words
same() { # NAME "TOUCHES" "OPTIONS OF RUN" "OPTIONS OF ORACLE"
  cases=$((cases + 1))
  local second=$dir/$cases.pwt
  [[ $3 = *--warmup* ]] && second=$dir/trace.csv # on .pwt it rounds to whole visits
  write_trace $2 > "$dir/trace.csv"
  if ! "$oracle" $4 < "$dir/trace.csv" > "$dir/want" ||
    ! "$PAGEWALK" convert -q "$dir/trace.csv" -o "$dir/$cases.pwt" ||
    ! "$PAGEWALK" run --csv - "$dir/trace.csv" $3 > "$dir/text" ||
    ! "$PAGEWALK" run --csv - "$second" --engine direct $3 > "$dir/second" ||
    ! (cd "$dir" && awk -f "$compare" want text second); then
    echo "FAIL $1: $2: run $3"
    failures=$((failures + 1))
  fi
}

# A page faults back in between two touches of a visit and goes to the second level, whereas its
# partner, which has no first level, touches the second level once more after it.
fault_back='L5 I1 I2 I3 I1 L5 I1 L5 I1 I4 L5'
for policy in lru fifo plru; do
  same "no DTLB, second level $policy" "$fault_back" \
    "--itlb 8 --dtlb none --stlb 2:2:$policy --memory 12K --memory-policy fifo" \
    "--itlb 8:8:lru --dtlb none --stlb 2:2:$policy --memory 3 --policy fifo"
  same "no ITLB, second level $policy" "$(tr LI IL <<< "$fault_back")" \
    "--itlb none --dtlb 8 --stlb 2:2:$policy --memory 12K --memory-policy fifo" \
    "--itlb none --dtlb 8:8:lru --stlb 2:2:$policy --memory 3 --policy fifo"
done
same 'no DTLB, one-way second level' 'L5 I1 I2 I1 L5 I1 L5 I1' \
  '--itlb 2 --dtlb none --stlb 1 --memory 8K --memory-policy fifo' \
  '--itlb 2:2:lru --dtlb none --stlb 1:1:lru --memory 2 --policy fifo'
same 'no ITLB, one-way second level' 'I5 L1 L2 L1 I5 L1 I5 L1' \
  '--itlb none --dtlb 2 --stlb 1 --memory 8K --memory-policy fifo' \
  '--itlb none --dtlb 2:2:lru --stlb 1:1:lru --memory 2 --policy fifo'
same 'one-way second level alone' 'L5 I1 L5 I1 L5 I1 L5 I1 L5 I1 I2 L5 I2 L5 I2 L6' \
  '--itlb none --dtlb none --stlb 1' '--itlb none --dtlb none --stlb 1:1:lru'

# A victim of another process leaves that process's entry, not the same page of the one that runs.
same 'victims of two processes' 'p1 L1 L2 p2 L1 L2 p1 L1 p2 L1 p1 S2 p2 S2 p1 L1 p2 L1' \
  '--memory 12K --dtlb 8' '--memory 3 --dtlb 8:8:lru'
same 'no ASIDs' 'p1 L1 I2 p2 L1 I2 p1 L1 I2 p1 L1 p2 L3 p1 L1' '--asid off' '--asid off'
same 'a switch that --only hides' 'p1 L1 p2 I1 p1 L1 L2 p2 I1 p1 L1 L2' '--asid off --only data' '--asid off --only d'
same 'a process that --only hides' 'p1 L1 p2 I1 p3 I1' '--only data' '--only d'

# Of pages never used again the first process's lowest goes first, and that shows in what is written back.
same 'level pages under opt' 'p2 S9 p1 L3 p2 L4 S5 p1 S2 S7 L3 S3' \
  '--memory 12K --memory-policy opt' '--memory 3 --policy opt'

# Warm-up is a place in the trace, also where --only hides accesses.
same 'warm-up under --only' 'L1 I1 L2 I1 L1 I2 L3 L1 I1' '--only data --warmup 3' '--only d --warmup 3'

echo "$cases cases, $failures failures"
[ "$failures" -eq 0 ]
