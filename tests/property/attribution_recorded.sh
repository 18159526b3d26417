# A program with three arrays is recorded with its instructions, and its misses show by name, in order and
# in number. Needs the capture tool.
set -u
[ -d "$PW_BUILD/capture" ] || { echo "no capture tool was built"; exit 77; }
hot=$PW_BUILD/tests/hot
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }

"$PAGEWALK" record -q --pc -o hot.pwt -- "$hot" 2>said || { cat said; fail "record"; exit 1; }

# field CSV OWNER COLUMN: of the program's own owner of that name
field() {
  awk -F, -v owner="$2" -v column="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["owner"] == owner && $at["object"] ~ /hot$/ { print $at[column] }' "$1"
}

# By symbol: a DTLB of 16 sets of 4, no second level. 1024 and 128 pages miss at every touch, 8 pages once each.
"$PAGEWALK" run -q hot.pwt --dtlb 64:4 --stlb none --by symbol --csv symbol.csv || fail "run --by symbol"
passes=50
for want in "hot_wide $((1024 * passes)) 1024" "hot_middle $((128 * passes)) 128" "hot_small 8 8"; do
  set -- $want
  [ "$(field symbol.csv "$1" walks)" = "$2" ] || fail "$1 has $(field symbol.csv "$1" walks) walks, not $2"
  [ "$(field symbol.csv "$1" dtlb_misses)" = "$2" ] || fail "$1 has $(field symbol.csv "$1" dtlb_misses) DTLB misses, not $2"
  [ "$(field symbol.csv "$1" minor_faults)" = "$3" ] || fail "$1 has $(field symbol.csv "$1" minor_faults) faults, not $3"
  [ "$(field symbol.csv "$1" touched_bytes)" = "$(($3 * 4096))" ] || fail "$1 touched $(field symbol.csv "$1" touched_bytes) bytes"
  [ "$(field symbol.csv "$1" accesses)" = "" ] || fail "$1 has accesses, which nobody can know by symbol"
done
[ "$(sed -n '2,3p' symbol.csv | cut -d, -f3 | tr '\n' ' ')" = "hot_wide hot_middle " ] || fail "the order: $(head -n 3 symbol.csv)"

# By function: the same, and the few misses of code and stack.
"$PAGEWALK" run -q hot.pwt --dtlb 64:4 --stlb none --by function --csv function.csv || fail "run --by function"
for want in "sweep_wide $((1024 * passes))" "sweep_middle $((128 * passes))" "sweep_small 8"; do
  set -- $want
  got=$(field function.csv "$1" dtlb_misses)
  [ "${got:-0}" -ge "$2" ] && [ "$got" -le "$(($2 + 8))" ] || fail "$1 has ${got:-no} DTLB misses, not about $2"
done

# The other questions, charts and words of the same trace.
"$PAGEWALK" run -q hot.pwt --by region --csv region.csv || fail "run --by region"
[ "$(awk -F, '$3 == "hot .bss"' region.csv | wc -l)" = 1 ] || fail "the zeroed data has no region: $(cut -d, -f3 region.csv | tr '\n' ' ')"
"$PAGEWALK" run -q hot.pwt --by symbol >table || fail "the table"
grep -q '^  hot_wide ' table && grep -q '^  total ' table || fail "the table says: $(cat table)"
if command -v gnuplot >/dev/null; then
  "$PAGEWALK" run -q hot.pwt --by symbol --heat dtlb -o out >/dev/null || fail "-o"
  [ "$(cd out && find . -type f | sort | tr '\n' ' ')" = './attribution.csv ./charts/heat.svg ./charts/top-owners.svg ./heat.csv ' ] ||
    fail "-o leaves $(find out)"
  grep -q 'hot_wide' out/charts/top-owners.svg || fail "hot_wide is not on the chart"
  "$PAGEWALK" plot out/attribution.csv out/heat.csv -o again >/dev/null || fail "plot of what -o wrote"
  cmp -s out/charts/heat.svg again/heat.svg && cmp -s out/charts/top-owners.svg again/top-owners.svg || fail "plot draws other charts than -o"
fi
# Without --pc the question cannot be answered, and the sentence says what to do.
"$PAGEWALK" record -q -o plain.pwt -- "$hot" 2>/dev/null
"$PAGEWALK" run -q plain.pwt --by function >out.txt 2>said && fail "an answer without instructions"
grep -q -- '--pc' said || fail "what it says without instructions: $(cat said)"
exit $((failures > 0))
