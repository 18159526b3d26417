#!/usr/bin/env bash
# One process with memory enough and plain faults has the numbers of `run`: faults, tables, TLBs, on every sample, and with
# TLBs of every policy. Needs $PAGEWALK and $PW_SOURCE.
set -u
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?the source tree}"
columns='^(fetches|loads|stores|itlb_misses|dtlb_misses|stlb_lookups|stlb_misses|walks|walk_refs|minor_faults|table_bytes)$'
checked=0 failed=0

# pick: the columns that both have, NAME=VALUE a line, in the order of their names.
pick() {
  awk -F, -v want="$columns" '
    NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i }
    NR == 2 { for (i = 1; i <= NF; i++) if (name[i] ~ want) print name[i] "=" ($i == "" ? 0 : $i) }' | sort # no TLB, no misses
}

for trace in "$PW_SOURCE"/traces/samples/*.pwt; do
  for tlbs in '--itlb 64:8 --dtlb 64:4 --stlb 1536:12' '--itlb 4:1 --dtlb 8:2:fifo --stlb 16:1' '--itlb none --dtlb 3:3 --stlb 24:6:random' \
    '--itlb 16:4:plru --dtlb none --stlb none'; do
    # shellcheck disable=SC2086 # the options are words
    run=$("$PAGEWALK" run -q --csv - --limit 1M "$trace" $tlbs | pick) \
      system=$("$PAGEWALK" system -q --csv - --limit 1M "$trace" $tlbs --memory 2G --kernel 0 --thp never --faults plain --asid on --layout recorded | pick)
    checked=$((checked + 1))
    [ "$(wc -l <<<"$run")" = 11 ] || { echo "$trace $tlbs: not the columns that there were"; failed=1; }
    [ "$run" = "$system" ] && continue
    echo "$trace $tlbs:"
    diff <(echo "$run") <(echo "$system")
    failed=1
  done
done
[ $checked -ge 40 ] || { echo "only $checked runs were compared"; exit 1; }
exit $failed
