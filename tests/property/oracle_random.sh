#!/usr/bin/env bash
# pagewalk against the naive oracle on seeded random traces and machines, field by field.
#
# Every pair is run three times: the oracle on raw accesses, pagewalk on the same text, and pagewalk
# (its direct engine) on the text converted to .pwt; a pair with a warm-up only twice. Needs $PAGEWALK and $PW_BUILD. Longer runs:
# ORACLE_TRACES=1000 ORACLE_CONFIGS=20 ORACLE_SEED=77 oracle_random.sh; a failed pair's trace is kept.
set -u
: "${PAGEWALK:?the command under test}" "${PW_BUILD:?the build folder}"
oracle=$PW_BUILD/tests/oracle/oracle
gentrace=$PW_BUILD/tests/oracle/gentrace
traces=${ORACLE_TRACES:-50}
configs=${ORACLE_CONFIGS:-6}
first_seed=${ORACLE_SEED:-1}
kept=$PW_BUILD/tests/oracle/failed
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

rnd() { # N: R becomes a number from 0 to N-1
  state=$(((state * 1103515245 + 12345) & 0x7fffffff))
  R=$(((state >> 8) % $1))
}
pick() { # WORD...: P becomes one of them
  rnd $#
  shift "$R"
  P=$1
}

# name|options of pagewalk|widths for the oracle|VA bits|s(ign-) or z(ero-extended)|page shifts
geometries=(
  'x86-64|--table x86-64|9,9,9,9+12:8s|48|s|12 21 30'
  'arm64-4k|--table arm64-4k|9,9,9,9+12:8s|48|s|12 21 30'
  'sv48|--table sv48|9,9,9,9+12:8s|48|s|12 21 30'
  'la57|--table x86-64-la57|9,9,9,9,9+12:8s|57|s|12 21 30'
  'sv57|--table sv57|9,9,9,9,9+12:8s|57|s|12 21 30'
  'sv39|--table sv39|9,9,9+12:8s|39|s|12 21 30'
  'x86-32|--table x86-32|10,10+12:4z|32|z|12 22'
  'sv32|--table sv32|10,10+12:4z|32|z|12 22'
  'x86-pae|--table x86-pae|2,9,9+12:8z|32|z|12 21'
  'arm-short|--table arm-short|12,8+12:4z|32|z|12 20'
  'arm64-16k|--table arm64-16k|1,11,11,11+14:8s|48|s|14 25'
  'arm64-64k|--table arm64-64k|6,13,13+16:8s|48|s|16 29'
  'explicit|--table 9,9,9,9+12:8|9,9,9,9+12:8s|48|s|12 14 16 20 21 25 30'
  'two even|--table 18,18+12:8|18,18+12:8s|48|s|12 13 16 21 29 30'
  'array|--table 20+12:4|20+12:4z|32|z|12 16 21 30'
  'uneven|--table 4,7,9,11,5+12:4|4,7,9,11,5+12:4s|48|s|12 16 17 20 27 28 30'
  '16K base|--table 11,11,12+14:16|11,11,12+14:16s|48|s|14 16 21 30'
  '1 level|--levels 1|36+12:8s|48|s|12 14 21 30'
  '2 levels|--levels 2|27,9+12:8s|48|s|12 14 21 30'
  '3 levels|--levels 3|18,9,9+12:8s|48|s|12 16 21 30'
  '4 levels|--levels 4|9,9,9,9+12:8s|48|s|12 16 21 30'
  '5 levels|--levels 5|9,9,9,9,9+12:8s|57|s|12 16 21 30'
  '3 levels of 39|--levels 3 --va-bits 39|9,9,9+12:8s|39|s|12 21 30'
  '2 levels of 32|--levels 2 --va-bits 32|11,9+12:8z|32|z|12 21'
)

choose_geometry() { # draws until one fits the trace's addresses
  local words bits extension shifts
  while :; do
    rnd ${#geometries[@]}
    IFS='|' read -r _ words oracle_table bits extension shifts <<< "${geometries[R]}"
    case $extension$trace_range in
      smixed | skernel | slow | ssparse) ((trace_bits <= bits)) && break ;;
      zlow | zsparse) ((trace_bits - 1 <= bits)) && break ;;
    esac
  done
  # shellcheck disable=SC2086 # a list of words
  pick $shifts
  shift_bits=$P
  pw_options="$words --page-size $((1 << (shift_bits - 10)))K"
  oracle_options="--table $oracle_table --page-shift $shift_bits"
}

choose_tlb() { # LEVEL: any shape, or none
  local ways sets policy spec
  rnd 6
  if ((R == 0)); then
    pw_options+=" --$1 none"
    oracle_options+=" --$1 none"
    return
  fi
  pick 1 1 2 2 3 4 4 5 8 16 32
  ways=$P
  pick 1 1 2 3 4 5 7 8 16
  sets=$P
  pick lru lru fifo plru plru random
  policy=$P
  [[ $policy = plru ]] && (((ways & (ways - 1)) != 0)) && policy=lru
  [[ $policy = random ]] && ((ways > 1)) && tlb_random=1
  spec=$((ways * sets)):$ways:$policy
  oracle_options+=" --$1 $spec"
  if ((sets == 1)); then
    rnd 2
    ((R)) && spec=$ways:full:$policy
    rnd 2
    ((R)) && [[ $policy = lru ]] && spec=$ways
  fi
  rnd 2
  ((R)) && spec=${spec%:lru}
  pw_options+=" --$1 $spec"
}

choose_memory() {
  local frames policy
  rnd 3
  if ((R == 0)); then
    pw_options+=' --memory unlimited'
    return
  fi
  pick 2 2 3 4 5 8 12 16 24 40 64 100
  frames=$P
  pick lru lru fifo clock opt opt random
  policy=$P
  [[ $policy = random ]] && memory_random=1
  rnd 3 # now and then some bytes that are no whole frame
  pw_options+=" --memory $(((frames << shift_bits) + (R == 0) * 4095)) --memory-policy $policy"
  oracle_options+=" --memory $frames --policy $policy"
}

choose_rest() {
  pick on on off
  pw_options+=" --asid $P"
  oracle_options+=" --asid $P"
  rnd 4
  if ((R == 0)); then
    pick fetch data
    pw_options+=" --only $P"
    oracle_options+=" --only $P"
  fi
  window= # these round to whole visits on .pwt, so they go to convert where it has them
  for part in skip warmup limit; do
    rnd 6
    if ((R == 0)); then
      rnd $((trace_accesses / 3))
      [[ $part = limit ]] && R=$((R + trace_accesses / 3)) # behind the warm-up
      window+=" --$part $((R + 1))"
    fi
  done
  oracle_options+=$window
}

choose_trace() { # SEED
  local pages tids pids
  pick '33 low' '33 sparse' '30 sparse' '39 sparse' '39 mixed' '48 sparse' '48 mixed' '48 kernel' '57 mixed'
  read -r trace_bits trace_range <<< "$P"
  pick 300 1000 3000 3000
  trace_accesses=$P
  pick 2 6 20 60 200
  pages=$P
  pick 1 2 3 4 8
  tids=$P
  rnd "$tids"
  pids=$((R + 1))
  trace_options="--seed $1 --bits $trace_bits --range $trace_range --accesses $trace_accesses"
  trace_options+=" --pages $pages --tids $tids --pids $pids"
  pick 1 3 10 40
  trace_options+=" --code-pages $P"
  pick 0 0 1 5
  trace_options+=" --shared $P"
  pick 0 30 60 80 95
  trace_options+=" --locality $P"
  pick 0 20 50 80 100
  trace_options+=" --fetch $P"
  pick 0 3 20
  trace_options+=" --straddle $P"
  pick 0 5 40
  trace_options+=" --modify $P"
  pick 2 20 200
  trace_options+=" --burst $P"
}

fail() { # SEED: says how to repeat what just failed
  failures=$((failures + 1))
  mkdir -p "$kept"
  cp "$dir/trace.csv" "$kept/seed-$1.csv"
  echo "FAIL seed $1, machine $machine"
  echo "  trace  $kept/seed-$1.csv (gentrace $trace_options)"
  echo "  oracle $oracle_options"
  echo "  run   $window $pw_options"
  cat "$dir/complaints" "$dir/talk"
  tail -qn 1 "$dir/oracle" "$dir/text" "$dir/pwt" 2> /dev/null
}

# shellcheck disable=SC2086 # options are words
check_pair() {
  local loose='' pwt=$dir/trace.pwt rows=(text)
  rm -f "$dir/text" "$dir/pwt"
  : > "$dir/complaints"
  "$oracle" $oracle_options < "$dir/trace.csv" > "$dir/oracle" 2> "$dir/talk" || return 1
  "$PAGEWALK" run --csv - "$dir/trace.csv" $window $pw_options > "$dir/text" 2> "$dir/talk" || return 1
  rows+=(pwt)
  [[ -n $window ]] && pwt=$dir/window.pwt
  if [[ -n $window || ! -e $pwt ]]; then
    "$PAGEWALK" convert -q "$dir/trace.csv" $window -o "$pwt" 2> "$dir/talk" || return 1
  fi
  "$PAGEWALK" run --csv - "$pwt" --engine direct $pw_options > "$dir/pwt" 2> "$dir/talk" || return 1
  if ! cmp -s <(sed 's/^[^,]*,//; s/,[^,]*$//' "$dir/text") <(sed 's/^[^,]*,//; s/,[^,]*$//' "$dir/pwt"); then
    echo "  text and .pwt differ" > "$dir/complaints"
    return 1
  fi
  ((tlb_random)) && loose='tlb|walk'
  ((memory_random)) && loose='tlb|walk|major|fault_rate|swap'
  (cd "$dir" && awk -v loose="$loose" -f "$compare" oracle "${rows[@]}") > "$dir/complaints" 2>&1
}

compare=$(cd "$(dirname "$0")/../oracle" && pwd)/compare.awk
pairs=0
failures=0
for ((seed = first_seed; seed < first_seed + traces; seed++)); do
  state=$(((seed * 40503 + 77) * 2654435761 & 0x7fffffff)) # neighbouring seeds, different draws
  rnd 1
  choose_trace "$seed"
  # shellcheck disable=SC2086
  "$gentrace" $trace_options > "$dir/trace.csv" || exit 1
  rm -f "$dir/trace.pwt"
  for ((machine = 1; machine <= configs; machine++)); do
    tlb_random=0
    memory_random=0
    choose_geometry
    for level in itlb dtlb stlb; do
      choose_tlb $level
    done
    choose_memory
    choose_rest
    pairs=$((pairs + 1))
    check_pair || fail "$seed"
  done
done
echo "$pairs pairs of trace and machine, $failures failures"
((pairs == traces * configs && failures == 0))
