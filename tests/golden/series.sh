#!/bin/bash
# run --every: rows by hand, what is refused, what is left behind, tables and charts.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAIL: $1"; exit 1; }

# Seven accesses of four bytes, a page each; windows of three.
printf '%s\n' ' L 1000,4' ' S 2000,4' ' L 1000,4' ' L 3000,4' ' S 1000,4' ' L 2000,4' ' L 1000,4' > t.lackey
"$PAGEWALK" run t.lackey --every 3 --dtlb 2:full --itlb none --stlb none --memory 8K --csv out.csv || fail "run --every"
cat > want.csv <<'END'
trace,access,accesses,fetches,loads,stores,itlb_misses,dtlb_misses,stlb_lookups,stlb_misses,walks,minor_faults,major_faults,swap_outs,table_bytes,resident_bytes,heap_bytes,heap_minor_faults,heap_returned_bytes,mmap_bytes,mmap_minor_faults,mmap_returned_bytes
t.lackey,3,3,0,2,1,,2,,,2,2,0,0,16384,8192,,,,,,
t.lackey,6,3,0,2,1,,2,,,2,1,1,1,16384,8192,,,,,,
t.lackey,7,1,0,1,0,,0,,,0,0,0,0,16384,8192,,,,,,
END
diff want.csv out.csv || fail "rows by hand"

refuses() { # WORDS ARGUMENTS...
  local words=$1
  shift
  "$PAGEWALK" run t.lackey "$@" > said-out 2> said
  [ $? = 2 ] || fail "exit of run $*: $(cat said)"
  grep -qF -- "$words" said || fail "run $*: $(cat said)"
}
refuses "--every: '0' is too small" --every 0
refuses "--every" --every ''
refuses "--every" --every -5
refuses "--every" --every 3X
refuses "--every" --every 1..5
refuses "--every" --every 99999999999999999999
refuses "--json has no time series" --every 3 --json -
refuses "leave --csv out" --every 3 -o x --csv x/series.csv
refuses "--csv needs the name" --every 3 --csv ''
refuses "-o needs the name" --every 3 -o ''
refuses "one configuration" --every 3 --dtlb 4,8
refuses "--csv" --every 3 --csv t.lackey
[ -e x ] && fail "a refused run made its folder"

for every in 1K 20K 1M 1G; do
  [ "$("$PAGEWALK" run t.lackey --every $every --csv - | wc -l)" = 2 ] || fail "--every $every"
done

"$PAGEWALK" run t.lackey --every 2 > table || fail "table"
grep -q '^t.lackey: 7 accesses, 4 windows of 2$' table || fail "heading: $(head -1 table)"
grep -Eq '^  minor faults +█▄ .* most 2, in all 3$' table || fail "course: $(grep minor table)"
[ "$(grep -Ec '^ +[2467]  ' table)" = 4 ] || fail "lines of the table: $(cat table)"

# A bad trace beside a good one: its rows are missing, the exit status says so.
printf ' L 1000,4\nrubbish\n' > bad.lackey
"$PAGEWALK" run bad.lackey t.lackey --format lackey --every 4 --csv both.csv 2> said
[ $? = 1 ] || fail "exit with a bad trace"
[ "$(cut -d, -f1 both.csv | sort -u | tr '\n' ' ')" = 't.lackey trace ' ] || fail "rows with a bad trace"
"$PAGEWALK" run bad.lackey --format lackey --every 4 -o gone 2> said && fail "exit of a bad trace alone"
[ -e gone ] && fail "a folder was left behind"

# What maps tell: heap and mappings. A window's unmapping shows.
"$PAGEWALK" run t.lackey --every 3 --ignore events --csv - | cut -d, -f17- | tail -1 | grep -qx ',,,,,' || fail "areas without maps"

if command -v gnuplot > /dev/null; then
  "$PAGEWALK" run t.lackey --every 1 -o one -q || fail "-o"
  [ "$(cd one && find . -type f | sort | tr '\n' ' ')" = './charts/series.svg ./series.csv ' ] || fail "-o leaves $(find one)"
  grep -q '</svg>' one/charts/series.svg || fail "a chart that is not whole"
  name='it'"'"'s `touch ran` 100%s'
  cp t.lackey "$name"
  "$PAGEWALK" run t.lackey "$name" --every 2 -o two 2> said || fail "-o of two traces: $(cat said)"
  [ "$(ls two/charts | wc -l)" = 2 ] && grep -q '2 charts' said || fail "charts of two traces: $(ls two/charts) $(cat said)"
  grep -qF "it's \`touch ran\` 100%s" two/charts/*ran* || fail "the name of the trace is not on its chart"
  [ -e ran ] && fail "a name was run as a command"
  "$PAGEWALK" plot two -o again > drawn 2> said
  grep -q 'two/series.csv' said || fail "plot of a folder: $(cat said)"
  "$PAGEWALK" plot two/series.csv -o again > drawn || fail "plot of a series.csv"
  for chart in two/charts/*; do cmp "$chart" "again/$(basename "$chart")" || fail "plot draws something else"; done
  "$PAGEWALK" plot one/series.csv --format terminal > text || fail "terminal"
  grep -q 'Faults per million accesses' text || fail "text chart"
  "$PAGEWALK" plot one/series.csv -o free --x access --y resident_bytes -q > /dev/null || fail "a free chart of a series"
  "$PAGEWALK" sweep t.lackey --dtlb 1,2,4 --no-charts -o sweep -q || fail "sweep"
  "$PAGEWALK" plot sweep/results.csv one/series.csv -o mixed -q > drawn || fail "results.csv and series.csv together"
  grep -q 'mixed/series.svg' drawn && grep -q 'mixed/tlb-miss-rate.svg' drawn || fail "mixed charts: $(cat drawn)"
fi
exit 0
