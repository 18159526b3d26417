#!/usr/bin/env bash
# `pagewalk system -o`: the files that it says, their columns, and a chart of each configuration. Needs $PAGEWALK.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
command -v gnuplot >/dev/null || { echo "gnuplot is not installed: nothing to draw with"; exit 77; }

{
  echo op,addr,size,pid,arg
  echo map,0x40000000,0x400000,0,rw-p
  for i in $(seq 0 199); do echo "W,$((0x40000000 + i * 20480)),8,0,"; done
} >'a "b", $(touch ran).csv'
cp a*.csv 'c;d.csv' 2>/dev/null
"$PAGEWALK" system 'a "b", $(touch ran).csv' 'a.csv;name=none' --memory 64M -q 2>said && fail "a file that is not there is taken"
"$PAGEWALK" system 'a "b", $(touch ran).csv;copies=2;name=say "hi", $(touch ran)' --memory 64M --thp never,always --every 20 --quantum 30 -o out 2>said ||
  fail "$(cat said)"
grep -qx 'pagewalk: out: five CSV files and 2 charts' said || fail "it says $(cat said)"
[ "$(ls out | tr '\n' ' ')" = "buddy.csv charts processes.csv series.csv slabs.csv system.csv " ] || fail "the files are $(ls out)"
[ "$(ls out/charts | wc -l)" = 2 ] || fail "the charts are $(ls out/charts)"
[ ! -e ran ] || fail "a name was executed"
for chart in out/charts/*.svg; do
  grep -q '</svg>' "$chart" || fail "$chart is not whole"
  for words in 'Memory by use' private kernel 'Page tables' 'Faults per million accesses' 'thp '; do
    grep -qF "$words" "$chart" || fail "$chart has no $words"
  done
done
grep -qF 'huge pages' out/charts/*always*.svg || fail "the huge pages are not drawn"
"$PAGEWALK" plot out/series.csv -o again --format png -q >/dev/null || fail "plot does not take series.csv"
[ "$(ls again | wc -l)" = 2 ] || fail "plot draws $(ls again)"

# as many fields in every row as in the header, whatever the names are
for file in out/*.csv; do
  python3 - "$file" <<'PY' || fail "$file is not a table"
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline='')))
sys.exit(0 if len(rows) > 2 and len({len(row) for row in rows}) == 1 and len(set(rows[0])) == len(rows[0]) else 1)
PY
done
# the sums of the windows and of the processes are those of the run
python3 - <<'PY' || fail "the sums differ"
import csv
def read(name): return list(csv.DictReader(open(f'out/{name}.csv', newline='')))
runs, processes, series = read('system'), read('processes'), read('series')
assert len(runs) == 2 and len(processes) == 4 and len(series) == 40
for run in runs:
    for column in ('accesses', 'stores', 'walks', 'walk_refs', 'dtlb_misses', 'minor_faults', 'thp_faults', 'copies'):
        for rows in (processes, series):
            assert int(run[column]) == sum(int(row[column]) for row in rows if row['thp'] == run['thp']), (column, run['thp'])
    for column in ('anon_bytes', 'table_bytes'):
        assert int(run[column]) >= max(int(row[column]) for row in series if row['thp'] == run['thp']), column
PY
# the same bytes whatever the number of jobs
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --thp never,always --asid off,2 --csv - -j 1 >one.csv
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --thp never,always --asid off,2 --csv - -j 3 >three.csv
cmp one.csv three.csv || fail "the output depends on the jobs"
[ "$(wc -l <one.csv)" = 5 ] || fail "not four configurations"
exit $failed
