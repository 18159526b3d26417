# A curve and the direct engine of `pagewalk run` agree: at any size the curve's row at or below it has the counts of a run.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
samples=$PW_SOURCE/traces/samples
failed=0
checks=0

# One number of the only row of a CSV.
column() { awk -F, -v want="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) at = i } NR == 2 { print $at }' "$1"; }
# The counts of a curve at a size: its last row that is no larger.
counts() { awk -F, -v of="$1" -v size="$2" 'NR > 1 && $2 == of && $4 <= size { counts = $5 " " $7 } END { print counts }' "$dir/curve"; }

agree() { # OF SIZE "COUNTS" WHAT
  checks=$((checks + 1))
  [ "$(counts "$1" "$2")" = "$3" ] && return
  echo "FAIL $4: of $1 at $2: the curve has '$(counts "$1" "$2")', a run '$3'"
  failed=1
}

compare() { # TRACE OPTIONS...
  local trace=$1 size faults
  shift
  "$PAGEWALK" curve "$trace" --of dtlb,itlb,stlb,memory --itlb 8:full --dtlb 12:4 "$@" --csv "$dir/curve" -q || { failed=1; return; }
  for size in 2 3 5 16 63 200 1000 5000; do
    "$PAGEWALK" run --engine direct "$trace" "$@" --itlb $size:full --dtlb $size:full --stlb none --csv "$dir/row" -q
    agree dtlb $size "$(column "$dir/row" dtlb_misses) " "$trace $*"
    agree itlb $size "$(column "$dir/row" itlb_misses) " "$trace $*"
    "$PAGEWALK" run --engine direct "$trace" "$@" --itlb 8:full --dtlb 12:4 --stlb $size:full --csv "$dir/row" -q
    agree stlb $size "$(column "$dir/row" stlb_misses) " "$trace $*"
    "$PAGEWALK" run --engine direct "$trace" "$@" --itlb none --dtlb none --stlb none --memory $((size * 4))K --csv "$dir/row" -q
    faults=$(($(column "$dir/row" minor_faults) + $(column "$dir/row" major_faults)))
    agree memory $size "$faults $(column "$dir/row" swap_outs)" "$trace $*"
  done
}
compare "$samples/true.lackey.xz"
compare "$samples/true.lackey.xz" --skip 3000 --limit 90000 --warmup 20000
compare "$samples/awk.pwt" --limit 3M --warmup 1M
[ $checks -eq 96 ] || { echo "FAIL $checks checks were made, not 96"; failed=1; }
exit $failed
