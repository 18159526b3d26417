# The owners of every sample add up to what `run` says of the same machine, column by column; and the heat map to the walks.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

# sums RESULTS ATTRIBUTION: compares the columns that both have and that can be added.
sums() {
  awk -F, '
    FNR == 1 { file++; delete at; for (i = 1; i <= NF; i++) at[$i] = i
               if (file == 1) split("accesses fetches loads stores itlb_misses dtlb_misses stlb_lookups stlb_misses walks walk_refs minor_faults major_faults swap_outs table_bytes", names, " ")
               next }
    { for (k in names) if (names[k] in at) { if (file == 1) whole[names[k]] = $at[names[k]]; else sum[names[k]] += $at[names[k]] } }
    END { for (k in names) { n++; if (sum[names[k]] + 0 != whole[names[k]] + 0) { print names[k] ": " sum[names[k]] " is not " whole[names[k]]; bad = 1 } }
          exit bad || n != 14 }' "$1" "$2"
}

# Sanitizers take every third sample: the sums are the plain build's to check.
samples=("$PW_SOURCE"/traces/samples/*.pwt "$PW_SOURCE"/traces/samples/*.lackey.*) step=1
if grep -q '^PW_SANITIZE:[^=]*=.' "$PW_BUILD/CMakeCache.txt"; then step=3; fi
[ ${#samples[@]} -ge 10 ] || { echo "only ${#samples[@]} samples"; exit 1; }
for ((at = 0; at < ${#samples[@]}; at += step)); do
  sample=${samples[at]}
  for machine in "" "--dtlb 16:2:fifo --itlb 8 --stlb 64:4 --memory 1M --memory-policy clock" ; do
    # shellcheck disable=SC2086 # the machine is several words
    "$PAGEWALK" run -q "$sample" $machine --csv "$work/results.csv" || failures=1
    for by in region object; do
      # shellcheck disable=SC2086
      "$PAGEWALK" run -q "$sample" $machine --by $by --csv "$work/owners.csv" || failures=1
      sums "$work/results.csv" "$work/owners.csv" || { echo "FAIL $(basename "$sample") $machine by $by"; failures=1; }
      [ -n "$machine" ] && break
    done
  done
done
# The comparison can fail.
sed '2s/,0,/,7,/' "$work/owners.csv" >"$work/wrong.csv"
if sums "$work/results.csv" "$work/wrong.csv" >/dev/null; then echo "FAIL: a wrong sum was not noticed"; failures=1; fi
exit $failures
