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
grep -qx 'pagewalk: out: six CSV files and 7 charts' said || fail "it says $(cat said)"
[ "$(ls out | tr '\n' ' ')" = "buddy.csv charts events.csv processes.csv series.csv slabs.csv system.csv " ] || fail "the files are $(ls out)"
[ "$(ls out/charts | wc -l)" = 7 ] || fail "the charts are $(ls out/charts)"
[ ! -e ran ] || fail "a name was executed"
for chart in out/charts/*.svg; do grep -q '</svg>' "$chart" || fail "$chart is not whole"; done
for words in 'Page walks by process' 'thp never' 'thp always' 'say "hi", $(touch ran)#1'; do
  sed 's/&quot;/"/g' out/charts/process-walks.svg | grep -qF "$words" || fail "the page walks have no $words"
done
for words in 'Resident memory by process' MiB; do grep -qF "$words" out/charts/process-memory.svg || fail "the memory has no $words"; done
for chart in out/charts/free-blocks*.svg; do
  for words in 'free memory by order of its blocks' 'order 10, 4 MiB' 'order 0, 4 KiB' MiB; do grep -qF "$words" "$chart" || fail "$chart has no $words"; done
done
for chart in out/charts/series*.svg; do
  for words in 'Memory by use' private kernel 'Page tables' 'Faults per million accesses' 'thp '; do
    grep -qF "$words" "$chart" || fail "$chart has no $words"
  done
done
grep -qF 'huge pages' out/charts/*always*.svg || fail "the huge pages are not drawn"
"$PAGEWALK" plot out/series.csv -o again --format png -q >/dev/null || fail "plot does not take series.csv"
[ "$(ls again | wc -l)" = 2 ] || fail "plot draws $(ls again)"
"$PAGEWALK" plot out/processes.csv out/buddy.csv -o more --format png -q >/dev/null || fail "plot does not take processes.csv and buddy.csv"
[ "$(ls more | wc -l)" = 5 ] || fail "plot draws $(ls more)"
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --quantum 10,30,100 --asid off,2 -o turns || fail "turns of several lengths"
[ "$(ls turns/charts | wc -l)" = 16 ] || fail "the charts are $(ls turns/charts)"
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --quantum 10,30,100 --asid off,2,3 -o many || fail "nine configurations"
[ "$(ls many/charts | tr '\n' ' ')" = "process-faults.svg process-memory.svg process-walks.svg quantum.svg " ] || fail "the charts are $(ls many/charts)"
many=$("$PAGEWALK" system 'a "b", $(touch ran).csv' --memory 64M --quantum 10..22+1 -o thirteen 2>&1 >/dev/null) || fail "13 configurations: $many"
[ "$(ls thirteen/charts)" = quantum.svg ] || fail "13 configurations have bars: $(ls thirteen/charts)"
grep -q 'charts by process are left out, since 13 configurations' <<<"$many" && grep -q 'charts over time are left out, since each of 13' <<<"$many" ||
  fail "what is left out is not said: $many"
"$PAGEWALK" system -q 'a "b", $(touch ran).csv' --memory 64M --quantum 10..30+1 --no-charts -o twenty && "$PAGEWALK" plot twenty/processes.csv -o twenty/charts -q >/dev/null
grep -qF 'the first 16 of 21 configurations' twenty/charts/process-walks.svg || fail "the bars do not say of what they are"
case "$(ls -d out/charts/* more/*)" in *\ *) fail "a chart's name has a blank: $(ls out/charts more)" ;; esac
rm -rf turns many/charts thirteen twenty && "$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --quantum 10,30,100 --asid off,2 --no-charts -o turns || fail "no charts"
[ ! -e turns/charts ] || fail "charts that were not wanted"
"$PAGEWALK" plot turns/system.csv -o turns/charts -q >/dev/null || fail "plot does not take system.csv"
for words in 'Page walks by length of turns' 'asid off' 'asid 2' 'accesses of a turn'; do grep -qF "$words" turns/charts/quantum.svg || fail "the turns have no $words"; done

# as many fields in every row as in the header, whatever the names are
for file in out/*.csv; do
  python3 - "$file" <<'PY' || fail "$file is not a table"
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline='')))
sys.exit(0 if len(rows) > (0 if sys.argv[1].endswith('events.csv') else 2) and len({len(row) for row in rows}) == 1 and len(set(rows[0])) == len(rows[0]) else 1)
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
# without --every the windows fit: 100 to 200 of them, or fewer of 1000 accesses, with the sums of the run
{
  echo op,addr,size,pid,arg
  echo map,0x40000000,0x4000000,0,rw-p
  for i in $(seq 0 299999); do echo "W,$((0x40000000 + i % 9000 * 4096)),8,0,"; done
} >long.csv
"$PAGEWALK" system -q long.csv --memory 64M --no-charts -o fits || fail "fitting windows"
python3 - <<'PY' || fail "the windows do not fit"
import csv
def read(name): return list(csv.DictReader(open(f'fits/{name}.csv', newline='')))
run, series = read('system')[0], read('series')
assert 100 <= len(series) <= 200, len(series)
assert [int(w['access']) for w in series][:2] == [2000, 4000] and [w['window'] for w in series] == [str(i) for i in range(len(series))]
for column in ('accesses', 'minor_faults', 'walks'):
    assert int(run[column]) == sum(int(w[column]) for w in series), column
assert len(read('buddy')) == 33 * len(series)
PY
# JSON has what the CSV has
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2;name=say "hi", $(touch ran)' --memory 64M --thp never,always --quantum 30 --json - >all.json || fail "no JSON"
python3 - <<'PY' || fail "the JSON is not what the CSV is"
import csv, json
all = json.load(open('all.json'))
assert list(all) == ['system', 'processes', 'slabs']
for name in all:
    rows = list(csv.DictReader(open(f'out/{name}.csv', newline='')))
    assert rows == [{key: str(value) for key, value in row.items()} for row in all[name]], name
    assert all[name][0]['trace'] == 'thp never' and isinstance(all[name][0]['memory_bytes'], int)
PY
"$PAGEWALK" system -q a*.csv --memory 64M --json x --csv x 2>said
[ $? = 2 ] && grep -q 'both write x' said || fail "one file for both: $(cat said)"
# the same bytes whatever the number of jobs
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --thp never,always --asid off,2 --csv - -j 1 >one.csv
"$PAGEWALK" system -q 'a "b", $(touch ran).csv;copies=2' --memory 64M --thp never,always --asid off,2 --csv - -j 3 >three.csv
cmp one.csv three.csv || fail "the output depends on the jobs"
[ "$(wc -l <one.csv)" = 5 ] || fail "not four configurations"
exit $failed
