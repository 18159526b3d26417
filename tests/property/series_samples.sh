#!/usr/bin/env bash
# Every sample as a time series, with several lengths of windows and machines: the windows' counts add up to what
# run says, their ends rise and are as far apart as the rule says, and the bytes are the same for any number of jobs.
# Needs $PAGEWALK, $PW_SOURCE and $PW_BUILD.
set -euo pipefail
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?the source folder}" "${PW_BUILD:?the build folder}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
limit=1500K
if grep -q '^PW_SANITIZE:[^=]*=.' "$PW_BUILD/CMakeCache.txt"; then limit=150K; fi
samples=("$PW_SOURCE"/traces/samples/*.{pwt,lackey.*})
[ "${#samples[@]}" -ge 10 ] || { echo "few samples in $PW_SOURCE/traces/samples"; exit 1; }

hold() { # WHAT EVERY OPTIONS...
  local what=$1 every=$2
  shift 2
  "$PAGEWALK" run -q "${samples[@]}" --limit "$limit" "$@" --csv "$dir/run.csv"
  "$PAGEWALK" run -q "${samples[@]}" --limit "$limit" "$@" --every "$every" --jobs 1 --csv "$dir/series.csv"
  "$PAGEWALK" run -q "${samples[@]}" --limit "$limit" "$@" --every "$every" --jobs 2 --csv "$dir/jobs.csv"
  "$PAGEWALK" run -q "${samples[0]}" --limit "$limit" "$@" --every "$every" --jobs 3 --csv "$dir/first.csv"
  cmp "$dir/series.csv" "$dir/jobs.csv" || { echo "$what: --jobs 2 gives other bytes"; exit 1; }
  cmp -n "$(stat -c %s "$dir/first.csv")" "$dir/series.csv" "$dir/first.csv" || { echo "$what: --jobs 3 gives other bytes"; exit 1; }
  awk -F, -v what="$what" -v every="$every" '
    function wrong(text) { if (++bad <= 5) print what ": " text }
    FNR == 1 { delete at; for (i = 1; i <= NF; i++) at[$i] = i; next }
    FILENAME ~ /run.csv$/ {
      traces++
      for (i = 1; i <= n; i++) want[$1, names[i]] = $at[names[i]]
      next
    }
    {
      for (i = 1; i <= n; i++) sum[$1, names[i]] += $at[names[i]]
      if ($1 in access && $at["access"] <= access[$1]) wrong("the ends of windows do not rise: " $0)
      access[$1] = $at["access"]
      rows[$1]++
      if ($at["resident_bytes"] > $at["table_bytes"] * 1e6) wrong("no memory without tables: " $0)
    }
    BEGIN { n = split("accesses fetches loads stores itlb_misses dtlb_misses stlb_lookups stlb_misses walks minor_faults major_faults swap_outs", names, " ") }
    END {
      for (key in want) {
        split(key, part, SUBSEP)
        if (sum[key] != want[key] + 0) wrong(part[1] ": " part[2] " adds up to " sum[key] ", a run says " want[key])
      }
      for (trace in rows)
        if (rows[trace] > access[trace] / every + 1) wrong(trace ": " rows[trace] " windows")
      if (traces < 10 || length(rows) != traces) wrong("rows of " length(rows) " of " traces " traces")
      exit bad > 0
    }' "$dir/run.csv" "$dir/series.csv"
}

hold "the default machine" 20000
hold "windows of 1000, pages of 2 MiB" 1000 --page-size 2M
hold "clock in 1 MiB" 77777 --memory 1M --memory-policy clock --dtlb 16:4:fifo
hold "opt, no second level" 300000 --memory 512K --memory-policy opt --stlb none
hold "one window" 1000000000000 --itlb none --memory 2M
hold "fetches alone, after a warm-up" 30000 --only fetch --warmup 50K
