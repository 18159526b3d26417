# pagewalk curve: curves worked by hand, the sizes for targets, what is refused, and what is left
# when a trace is bad or the work is interrupted.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "FAIL: $1"; failed=1; }

loads() { for page in "$@"; do printf ' L %x,4\n' $((page * 4096)); done; }
# is NAME 'WANTED LINES' ARGUMENT...: stdout is just that, and the exit code 0
is() {
  local name=$1 wanted=$2 got
  shift 2
  got=$("$PAGEWALK" curve "$@" 2>err) || fail "$name: $(cat err)"
  [ "$got" = "$wanted" ] || fail "$name: curve $* gives
$got
and by hand
$wanted"
}

# Pages A B C D A B E A B C D E. Distances: A and B come back at 4, then at 3; C, D and E at 5.
loads 1 2 3 4 1 2 5 1 2 3 4 5 > t
is memory "trace,of,page_bytes,entries,misses,miss_rate,swap_outs
t,memory,4096,2,12,1,0
t,memory,4096,3,10,0.833333333,0
t,memory,4096,4,8,0.666666667,0
t,memory,4096,5,5,0.416666667,0" t --of memory --csv -
is dtlb "trace,of,page_bytes,entries,misses,miss_rate
t,dtlb,4096,1,12,1
t,dtlb,4096,3,10,0.833333333
t,dtlb,4096,4,8,0.666666667
t,dtlb,4096,5,5,0.416666667" t --of dtlb --csv -
# With 8 KiB pages 1 is a page of its own, 2 and 3 are one, 4 and 5 are one: a b b c a b c a b b c c.
is lists "trace,of,page_bytes,entries,misses,miss_rate,swap_outs
t,itlb,8192,1,0,,
t,memory,8192,2,9,0.75,0
t,memory,8192,3,3,0.25,0" t --of itlb,memory --page-size 8K --csv -
is table "t: misses of a fully associative LRU DTLB, 4 KiB pages, 12 loads and stores
       entries          misses     miss rate
             1              12         100 %
             2              12         100 %
             4               8       66.67 %
             5               5       41.67 %  knee" t --of dtlb

# A page that was stored to is written back by the memories that it fell out of: those of 2 frames.
printf ' S 1000,4\n L 2000,4\n L 3000,4\n L 1000,4\n' > 'a, "b".txt'
is write-backs 'trace,of,page_bytes,entries,misses,miss_rate,swap_outs
"a, ""b"".txt",memory,4096,2,4,1,1
"a, ""b"".txt",memory,4096,3,3,0.75,0' 'a, "b".txt' --of memory --csv -
is memory-table "a, \"b\".txt: faults of LRU memory, 4 KiB pages, 4 accesses
        frames      memory          faults   per million   written back
             2       8 KiB               4     1,000,000              1
             3      12 KiB               3       750,000              0" 'a, "b".txt' --of memory

# Behind a DTLB of 2 entries 0 1 2 0 1 2 misses six times, which 3 entries make three.
loads 0 1 2 0 1 2 > six
is second-level "trace,of,page_bytes,entries,misses,miss_rate
six,stlb,4096,1,6,1
six,stlb,4096,3,3,0.5" six --of stlb --dtlb 2:full --csv -
is behind "six: misses of a fully associative LRU STLB, 4 KiB pages, behind ITLB 64:8 and DTLB 2:full, 6 second-level lookups
       entries          misses     miss rate
             1               6         100 %
             2               6         100 %
             3               3          50 %  knee" six --of stlb --dtlb 2:full

# Targets: at or under, exactly; 8 of 12 are 666,666.67 per million.
is frames "t: 4 KiB pages: 4 frames (16 KiB) keep faults at or under 0.7 per access" t --of memory --target 0.7
is percent "t: 4 KiB pages: 5 frames (20 KiB) keep faults at or under 50 % of accesses" t --of memory --target 50%
is over "t: 4 KiB pages: 4 frames (16 KiB) keep faults at or under 666667 per million accesses" t --of memory --target 666667ppm
is under "t: 4 KiB pages: 5 frames (20 KiB) keep faults at or under 666666 per million accesses" t --of memory --target 666666ppm
is equal "six: 4 KiB pages: a DTLB of 3 entries keeps misses at or under 5e-1 per load or store
six: 8 KiB pages: a DTLB of 2 entries keeps misses at or under 5e-1 per load or store" six --of dtlb --page-size 4K,8K --target 5e-1
is unmet "t: 4 KiB pages: no memory keeps faults at or under 0.4 per access: first touches alone are 5 faults, 0.4167 per access" \
  t --of memory --target 0.4
is unmet-ppm "t: 4 KiB pages: no DTLB keeps misses at or under 50 per million loads and stores: first touches alone are 5 misses, 416,667 per million" \
  t --of dtlb --target 50ppm
is nothing "t: 4 KiB pages: there are no fetches, so there is no rate to keep" t --of itlb --target 50ppm
is both "t: 4 KiB pages: 4 frames (16 KiB) keep faults at or under 70 % of accesses" t --of memory --target 70% --csv both.csv
[ "$(wc -l < both.csv)" = 5 ] || fail "--target with --csv leaves $(cat both.csv)"

# What is refused, in one sentence, with exit code 2.
refuses() {
  local part=$1 got
  shift
  "$PAGEWALK" curve "$@" >out 2>err
  got=$?
  [ $got = 2 ] || fail "curve $*: exit $got"
  grep -qF -- "$part" err || fail "curve $*: no '$part' in: $(cat err)"
  [ "$(wc -l < err)" = 1 ] && [ ! -s out ] || fail "curve $*: not one sentence on stderr: $(cat err out)"
}
refuses "needs to know of what" t
refuses "did you mean dtlb?" t --of dtbl
refuses "dtlb, itlb, stlb and memory" t --of xyz
refuses "needs a trace" --of dtlb
refuses "--itlb only applies to --of stlb" t --of dtlb --itlb 64:8
refuses "--dtlb only applies to --of stlb" t --of memory,dtlb --dtlb 64:4
refuses "first level of lru, not of fifo" t --of stlb --dtlb 64:4:fifo
refuses "gives 2 values" t --of stlb --itlb 32,64
refuses "7 ways" t --of stlb --dtlb 64:7
for option in --memory=64M --memory-policy=fifo --stlb=64 --table=sv39 --levels=4 --va-bits=48 --machine=skylake \
  --seed=2 --only=data --engine=direct; do
  refuses "${option%%=*} does not apply to curve" t --of dtlb "$option"
done
refuses "no option --mem" t --of dtlb --mem 3
refuses "power of two" t --of dtlb --page-size 12K
refuses "its forms are" t --of dtlb --target much
refuses "its forms are" t --of dtlb --target -1
refuses "its forms are" t --of dtlb --target ''
refuses "too large" t --of dtlb --target 50
refuses "too many digits" t --of dtlb --target 0.0000000000000000001234
refuses "both write to standard output" t --of dtlb --target 1% --csv -
refuses "would overwrite the trace" t --of dtlb --csv t
refuses "leave --csv out" t --of dtlb --csv x/curve.csv -o x

# A bad trace costs its own rows only.
printf 'nonsense\n' > bad
"$PAGEWALK" curve t bad six --of dtlb --format lackey --csv rows.csv -q 2>err && fail "exit 0 with a bad trace"
[ "$(cut -d, -f1 rows.csv | uniq | tr '\n' ' ')" = 'trace t six ' ] || fail "rows beside a bad trace: $(cat rows.csv)"
grep -q '^pagewalk: bad' err || fail "the bad trace is not named: $(cat err)"
"$PAGEWALK" curve bad --of dtlb --format lackey -o new --csv none.csv 2>err && fail "exit 0 with bad traces alone"
[ ! -e none.csv ] && [ ! -e new ] || fail "something was left of bad traces alone"

# The same bytes for any number of jobs, in the order of the traces.
for jobs in 1 3; do
  "$PAGEWALK" curve six t 'a, "b".txt' --of memory,stlb --page-size 4K,8K --jobs $jobs --csv jobs-$jobs.csv || fail "jobs"
done
cmp jobs-1.csv jobs-3.csv || fail "the rows depend on --jobs"

# An interrupt leaves nothing.
set -m # so that a background job does not ignore SIGINT
yes '0 1000' | head -n 40000000 | "$PAGEWALK" curve - --format din --of memory --csv late.csv -o late 2>err &
sleep 0.5
kill -INT "$(pgrep -P $$ -x pagewalk)"
wait %1 && fail "an interrupted curve ran to its end"
grep -q interrupted err || fail "no word of the interrupt: $(cat err)"
[ ! -e late.csv ] && [ ! -e late ] || fail "an interrupt left something"

# Charts beside their CSV, by curve and by plot.
command -v gnuplot > /dev/null || exit $failed
"$PAGEWALK" curve t six --of dtlb,memory --page-size 4K,8K -o charts -q > said || fail "curve -o"
[ -s said ] && fail "curve -o prints a table too"
[ "$(ls charts | tr '\n' ' ')" = 'curve.csv dtlb-curve.svg memory-curve.svg ' ] || fail "curve -o leaves $(ls charts)"
"$PAGEWALK" plot charts/curve.csv -o again > drawn 2> err || fail "plot of a curve.csv"
[ "$(tr '\n' ' ' < drawn)" = 'again/dtlb-curve.svg again/memory-curve.svg ' ] || fail "plot draws $(cat drawn)"
[ ! -s err ] || fail "plot says $(cat err)"
cmp charts/memory-curve.svg again/memory-curve.svg || fail "plot draws another chart than curve -o"
"$PAGEWALK" plot charts/curve.csv -o again -q --x entries --y misses --by page_bytes > /dev/null || fail "a free chart of a curve"
exit $failed
