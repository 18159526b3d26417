# What run --by takes and refuses, and what its CSV and JSON hold.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }
printf 'I  1000,4\n L 5000,4\n S 6000,4\n L 5000,4\n' >t.lackey

# refused WORDS OPTIONS...: bad usage, with these words, and nothing written
refused() {
  local words=$1
  shift
  "$PAGEWALK" run t.lackey "$@" >out 2>said
  [ $? = 2 ] || fail "$* is not refused as bad usage"
  grep -q -- "$words" said || fail "$* says: $(cat said)"
  [ -s out ] && fail "$* wrote: $(cat out)"
}
refused 'did you mean symbol' --by symbl
refused 'there is no' --by ''
refused 'did you mean walks' --by region -o d --heat walk
refused '-o DIR' --by region --heat walks
refused 'name of a folder' --by region -o ''
refused 'by what' --heat walks
refused 'say which' -o d
[ -e d ] && fail "a folder was made for a question that was refused"

"$PAGEWALK" run t.lackey --by region >out 2>said || fail "the table: $(cat said)"
grep -q '^  \[unknown\]  *4 ' out && grep -q '^  total  *4 ' out || fail "the table is: $(cat out)"
grep -q 'does not tell what is mapped' said || fail "it says: $(cat said)"
"$PAGEWALK" run t.lackey --by function -q >out 2>said || fail "by function: $(cat said)"
[ -s said ] && fail "-q says: $(cat said)"
grep -q accesses out && fail "accesses by function: $(cat out)"
"$PAGEWALK" run t.lackey --by symbol --dtlb none -q >out 2>said && fail "by symbol without a DTLB"
grep -q 'attribute by region' said || fail "without a DTLB it says: $(cat said)"
"$PAGEWALK" run t.lackey --by symbol --dtlb none --only fetch -q >out 2>said || fail "fetches need no DTLB: $(cat said)"

"$PAGEWALK" run t.lackey t.lackey --by object -q --csv out --json out.json || fail "CSV and JSON of two traces"
[ "$(wc -l <out)" = 5 ] || fail "the CSV: $(cat out)"
[ "$(sed -n 2p out | cut -d, -f1-9)" = 't.lackey,object,[unknown],[unknown],4,1,2,1,1' ] || fail "its first row: $(sed -n 2p out)"
[ "$(awk -F, '{ print NF }' out | sort -u)" = 25 ] || fail "fields: $(cat out)"
if command -v python3 >/dev/null; then
  python3 -c '
import csv, json
rows = list(csv.DictReader(open("out")))
objects = json.load(open("out.json"))
assert len(rows) == len(objects) == 4 and list(rows[0]) == list(objects[0]), (rows, objects)
for row, thing in zip(rows, objects):
    for name, value in row.items():
        assert (value == "" and thing[name] is None) or value == str(thing[name]) or float(value) == thing[name], (name, value, thing[name])
' || fail "JSON and CSV differ"
fi
exit $((failures > 0))
