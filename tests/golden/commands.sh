# What the commands print and write on small traces, followed by hand.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1:
$2
and not
$3"; }

# Five pages loaded, one of them stored to; then the first again.
printf '%s\n' '1000 R' '2000 R' '3000 W' '4000 R' '5000 R' '1000 R' >five.txt
printf '%s\n' '1000 R' >one.txt
printf '%s\n' '1000 R' nonsense '2000 R' >bad.txt

# The table: aligned, in sections, with what does not apply as "-".
"$PAGEWALK" run five.txt one.txt --dtlb 2 --stlb none --memory 16K --memory-policy fifo >out 2>err || fail "run: $(cat err)"
same "the table of run" "$(sed 's/ *$//' out)" "Machine
  page size            4 KiB
  page table           x86-64, 4 levels
  ITLB                 64 entries, 8-way, lru
  DTLB                 2 entries, fully associative, lru
  STLB                 none
  memory               16 KiB, fifo

  Trace                 five.txt  one.txt
Accesses
  accesses                     6        1
  fetches                      0        0
  loads                        5        1
  stores                       1        0
Address translation
  ITLB misses                  0        0
  ITLB miss rate               -        -
  DTLB misses                  6        1
  DTLB miss rate           100 %    100 %
  STLB lookups                 -        -
  STLB misses                  -        -
  STLB miss rate               -        -
  page walks                   6        1
  walks per access         100 %    100 %
  table entries read          24        4
Memory
  minor faults                 5        1
  major faults                 1        0
  faults per access        100 %    100 %
  pages written back           0        0
  peak resident           16 KiB    4 KiB
Page tables
  peak size               16 KiB   16 KiB
  of touched bytes          80 %    400 %"

# CSV and JSON at once, of the same run; from a pipe the numbers are the same.
"$PAGEWALK" run five.txt --csv csv --json json --memory 16K >out 2>err && [ ! -s out ] || fail "run --csv --json: $(cat out err)"
"$PAGEWALK" run --format hexrw - --csv - --memory 16K <five.txt >piped 2>err || fail "run -: $(cat err)"
same "the pipe" "$(cut -d, -f2- piped)" "$(cut -d, -f2- csv)"
same "the first fields" "$(tail -n 1 csv | tr -d '\r' | cut -d, -f1-8)" "five.txt,4096,x86-64,4,64,8,lru,64"
head -n 1 csv | tr -d '\r' | tr ',' '\n' >names
same "the names of the JSON" "$(grep -o '"[a-z_]*":' json | tr -d '":')" "$(cat names)"
same "brackets" "$(head -n 1 json)$(tail -n 1 json)" "[]"

# One bad trace of three: named, the rest is reported, exit 1. With --skip-bad it is read.
"$PAGEWALK" run five.txt bad.txt one.txt --csv - --format hexrw >out 2>err
[ $? -eq 1 ] && grep -q '^pagewalk: bad.txt.*line 2' err || fail "a bad trace: $(cat err)"
same "the good rows" "$(tail -n +2 out | cut -d, -f1 | tr '\n' ' ')" "five.txt one.txt "
"$PAGEWALK" run bad.txt --skip-bad --csv - --format hexrw >out 2>err || fail "--skip-bad: $(cat err)"
grep -q '^pagewalk: bad.txt: 1 line ' err || fail "--skip-bad is silent: $(cat err)"
"$PAGEWALK" run -q bad.txt --skip-bad --csv - --format hexrw 2>&1 >out | grep . && fail "-q is not quiet"
same "no good trace, no output" "$("$PAGEWALK" run bad.txt --json - --format hexrw 2>err)" ""

# Combinations: order, duplicates once, none, machines as whole triples.
columns() { tail -n +2 "$1" | tr -d '\r' | cut -d, -f"$2"; }
"$PAGEWALK" sweep one.txt --no-charts -q -o dup --dtlb '64:64,full,4;none' --dtlb 64:4 2>err || fail "sweep: $(cat err)"
same "equal configurations once" "$(columns dup/results.csv 8-10)" "64,64,lru
64,4,lru
0,0,"
"$PAGEWALK" sweep one.txt --no-charts -q -o machines --machine skylake,cortex-a53 --page-size 4K --dtlb 16,32 2>err || fail "sweep: $(cat err)"
same "machines" "$(columns machines/results.csv 5,8,11)" "128,16,1536
128,32,1536
10,16,512
10,32,512"
"$PAGEWALK" sweep one.txt --no-charts -o left --dtlb 4,6:4 --page-size 4K,2M --table 'x86-64;x86-32' 2>err || fail "sweep: $(cat err)"
grep -q '^pagewalk: 5 impossible combinations are left out' err || fail "left out: $(cat err)"
"$PAGEWALK" sweep one.txt five.txt --dtlb 16..64*2 --levels 1..3 --explain >out 2>err || fail "--explain: $(cat err)"
same "--explain" "$(head -n 4 out | tr -s ' ')" "traces 2
configurations 9
rows 18
left out 0"
# Two threads on two traces are one for each, which needs twice the memory of one trace and no more for a page.
of_pages() { "$PAGEWALK" sweep "$@" --dtlb '64:4;32:4:fifo;16:4:fifo' --memory 1M,2M --memory-policy fifo --explain 2>/dev/null | sed -n 's/.* and \([0-9]*\) bytes a distinct page.*/\1/p'; }
same "--explain --jobs 2" "$(of_pages one.txt five.txt --jobs 2)" "$(of_pages one.txt --jobs 1)"

# A memory policy without a limit is remarked on, and only then.
effect="has no effect without --memory"
"$PAGEWALK" run five.txt --memory-policy opt >out 2>err && grep -q "^pagewalk: .*$effect" err || fail "a policy alone: $(cat err)"
"$PAGEWALK" sweep five.txt --memory-policy lru,clock --explain >out 2>err && grep -q "$effect" err || fail "policies alone: $(cat err)"
for quiet in "-q --memory-policy opt" "--memory-policy lru" "--memory-policy opt --memory 16K"; do
  "$PAGEWALK" run five.txt $quiet >out 2>err && [ ! -s err ] || fail "run $quiet: $(cat err)"
done

# convert: names in a folder, provenance, totals; info reads it back.
mkdir into
gzip -c five.txt >pages.hexrw.gz
"$PAGEWALK" convert pages.hexrw.gz one.txt -o into --command 'a "b"' --date 2001 2>err || fail "convert: $(cat err)"
same "converted files" "$(ls into | tr '\n' ' ')" "one.pwt pages.pwt "

# What was rounded is named as it was given.
printf '%s\n' '1000 R' '1000 R' '1000 R' '2000 R' | "$PAGEWALK" convert -q - -o visits.pwt || fail "convert -"
rounds() { # OPTIONS 'words': run and convert both say that these were rounded
  "$PAGEWALK" convert visits.pwt $1 -o rounded.pwt 2>err && grep -q "^pagewalk: visits.pwt: $2 rounded to whole visits" err || fail "convert $1: $(cat err)"
  "$PAGEWALK" run visits.pwt $1 2>err >out && grep -q "^pagewalk: visits.pwt: $2 rounded to whole visits" err || fail "run $1: $(cat err)"
}
rounds "--warmup 2" "--warmup was"
rounds "--skip 2" "--skip was"
rounds "--limit 2" "--limit was"
rounds "--limit 4 --warmup 1" "--limit and --warmup were"
"$PAGEWALK" convert one.txt ./one.txt -o into 2>err && fail "two inputs became one output"
"$PAGEWALK" convert -q pages.hexrw.gz -o single.pwt --command 'a "b"' --date 2001 && cmp single.pwt into/pages.pwt || fail "convert is not reproducible"
"$PAGEWALK" info into/pages.pwt >out 2>err || fail "info: $(cat err)"
for line in 'format pwt' 'accesses 6' 'loads 5' 'stores 1' 'footprint 5 pages of 4 KiB, 20 KiB' 'code 0 pages of 4 KiB, 0 B' \
  'processes 1' 'command a "b"' 'date 2001'; do
  tr -s ' ' <out | grep -qx " $line" || fail "info lacks '$line': $(cat out)"
done
"$PAGEWALK" info --json into/pages.pwt five.txt >out 2>err || fail "info --json: $(cat err)"
[ "$(grep -c '"footprint_pages": 5,' out)" -eq 2 ] || fail "info --json: $(cat out)"
grep -qF '"command": "a \"b\""' out || fail "info --json does not quote: $(cat out)"
"$PAGEWALK" run into/pages.pwt --csv - >converted --memory 16K || fail "run of a .pwt"
same "converting changes no number" "$(cut -d, -f2- converted)" "$(cut -d, -f2- csv)"

# help and list.
"$PAGEWALK" help run >out && "$PAGEWALK" run --help | cmp - out || fail "help run and run --help differ"
same "a list alone has no heading" "$("$PAGEWALK" list tables | head -n 1 | cut -d ' ' -f 1)" "x86-64"
same "the version" "$("$PAGEWALK" --version)" "pagewalk $(sed -n 's/^project(pagewalk VERSION \([0-9.]*\).*/\1/p' "$PW_SOURCE/CMakeLists.txt")"

# plot, where gnuplot is there: the names of the files on stdout, or the chart itself.
if command -v gnuplot >/dev/null; then
  "$PAGEWALK" sweep five.txt -q --dtlb 2..16*2 --no-charts -o sizes || fail "sweep for plot"
  "$PAGEWALK" plot sizes/results.csv -o drawn >out 2>err || fail "plot: $(cat err)"
  grep -qx 'drawn/tlb-miss-rate.svg' out && [ -s drawn/tlb-miss-rate.svg ] || fail "plot did not name its charts: $(cat out)"
  grep -q '^pagewalk: .*left out' err || fail "plot says nothing on charts left out"
  TMPDIR=$dir "$PAGEWALK" plot -q sizes/results.csv --format terminal --chart tlb-miss-rate >out 2>err || fail "plot --format terminal: $(cat err)"
  [ "$(wc -l <out)" -gt 10 ] || fail "no chart on the terminal: $(cat out)"
  ls -d "$dir"/pagewalk-charts-* 2>/dev/null && fail "the temporary folder is left"
fi
exit $failed
