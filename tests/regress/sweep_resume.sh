# An interrupted, killed or out-of-space sweep keeps what it finished; --resume carries it
# on to the same bytes; and a folder is never overwritten unasked.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
says() { grep -qF -- "$1" err || fail "stderr lacks '$1': $(cat err)"; }
wait_for() { # FILE, at most 30 s
  for _ in $(seq 300); do [ -e "$1" ] && return; sleep 0.1; done
  fail "$1 never came"
}

awk 'BEGIN { for (i = 0; i < 2000; i++) printf "%x %s\n", (i * 7919 % 97) * 4096, i % 3 ? "R" : "W" }' >a.txt
awk 'BEGIN { for (i = 0; i < 2000; i++) printf "%x %s\n", (i * 31 % 61) * 4096, i % 5 ? "R" : "W" }' >b.txt
cp b.txt data
touch -d '2000-01-01' b.txt
mkfifo pipe
options="--dtlb 16..64*2:4,full --memory 64K,unlimited --no-charts --format hexrw"
sweep() { "$PAGEWALK" sweep a.txt pipe b.txt $options -j 1 "$@" 2>err; }

# The whole sweep, for comparison; and the same with several jobs.
cat data >pipe & sweep -o whole || fail "the sweep failed: $(cat err)"
cat data >pipe & "$PAGEWALK" sweep a.txt pipe b.txt $options -j 4 -o jobs 2>err || fail "four jobs failed: $(cat err)"
cmp whole/results.csv jobs/results.csv && cmp whole/manifest.json jobs/manifest.json || fail "the number of jobs shows"
[ ! -e whole/unfinished ] || fail "unfinished/ is left"
[ "$(wc -l <whole/results.csv)" -eq 37 ] || fail "rows: $(wc -l <whole/results.csv)"

# Killed while it waits for the second trace.
(exec sleep 60 >pipe) & holder=$!
"$PAGEWALK" sweep a.txt pipe b.txt $options -j 1 -o killed 2>err & job=$!
wait_for killed/unfinished/0000.csv
kill -KILL $job; kill $holder; wait 2>/dev/null
[ ! -e killed/results.csv ] || fail "a killed sweep has results"
sweep -o killed && fail "an unfinished sweep was entered without --resume"
says "--resume"
sweep -o killed --resume --memory-policy fifo && fail "other configurations were resumed"
says "other configurations"
sweep -o killed --resume --seed 3 && fail "another seed was resumed"
says "other options"
touch -d '2001-01-01' b.txt
sweep -o killed --resume && fail "a changed trace was resumed"
says "changed"
touch -d '2000-01-01' b.txt
cp -r killed marked
cat data >pipe & sweep -o killed --resume || fail "resuming failed: $(cat err)"
cmp whole/results.csv killed/results.csv && cmp whole/manifest.json killed/manifest.json || fail "a resumed sweep differs"
[ ! -e killed/unfinished ] || fail "unfinished/ is left after --resume"
echo "kept rows" >marked/unfinished/0000.csv
cat data >pipe & sweep -o marked --resume || fail "resuming failed: $(cat err)"
[ "$(sed -n 2p marked/results.csv)" = "kept rows" ] || fail "a finished trace was run again"

# SIGINT in the second trace: that one may end, the third is not begun.
{ cat data; wait_for go; cat data; } >pipe & writer=$!
# A script's background jobs ignore SIGINT; SIGTERM takes the same way.
"$PAGEWALK" sweep a.txt pipe b.txt $options -j 1 -o stopped 2>err & job=$!
wait_for stopped/unfinished/0000.csv
sleep 0.3; kill -TERM $job; sleep 0.3; : >go
wait $job; code=$?; wait $writer
[ $code -eq 1 ] || fail "an interrupted sweep gave exit $code"
says "of 3 traces are done; run the same command with --resume"
[ -e stopped/unfinished/0000.csv ] && [ ! -e stopped/results.csv ] || fail "the interrupted sweep did not keep its rows: $(find stopped)"

# No room: the sentence names the file, and what was finished stays.
(trap '' XFSZ; ulimit -f 1; exec "$PAGEWALK" sweep a.txt b.txt $options --dtlb 1..64 -j 1 -o full 2>err) && fail "a full disk went unnoticed"
says "full/unfinished/0000.csv"
[ -z "$(find full -name '*.tmp-*' -o -name results.csv)" ] || fail "half-written files: $(find full)"
"$PAGEWALK" sweep a.txt b.txt $options --dtlb 1..64 -j 1 -o full --resume 2>err || fail "resuming after a full disk failed: $(cat err)"

# A finished folder: refused, left as it is under --resume, replaced under --force.
"$PAGEWALK" sweep a.txt $options -o done 2>err || fail "$(cat err)"
"$PAGEWALK" sweep a.txt $options -o done 2>err && fail "results were overwritten"
says "--force"
"$PAGEWALK" sweep b.txt $options -o done --resume 2>err && fail "another sweep was taken for this one"
says "another sweep"
"$PAGEWALK" sweep a.txt $options -o done --resume 2>err || fail "$(cat err)"
says "nothing to resume"
"$PAGEWALK" sweep b.txt $options -o done --force 2>err || fail "$(cat err)"
grep -q '^b.txt' done/results.csv || fail "--force did not replace the results"

# Good rows are kept when a trace is bad, which is named; a sweep of bad traces leaves nothing.
printf '1000 R\nnonsense\n' >bad.txt
"$PAGEWALK" sweep a.txt bad.txt nofile b.txt $options -o mixed 2>err && fail "bad traces gave exit 0"
says "bad.txt"; says "nofile"; says "2 of 4 traces"
[ "$(cut -d, -f1 mixed/results.csv | sort -u | tr '\n' ' ')" = "a.txt b.txt trace " ] || fail "rows of: $(cut -d, -f1 mixed/results.csv | sort -u)"
"$PAGEWALK" sweep bad.txt nofile $options -o none 2>err && fail "only bad traces gave exit 0"
[ ! -e none ] || fail "a sweep without results left $(find none)"

# Addresses wider than one of the tables: its rows are missing and said so.
printf '7fff00001000 R\n' >wide.txt
"$PAGEWALK" sweep wide.txt --table 'x86-32;x86-64' --no-charts --format hexrw -o wide 2>err && fail "a table too narrow gave exit 0"
says "0x7fff00001000"; says "1 of its 2 rows"
[ "$(wc -l <wide/results.csv)" -eq 2 ] || fail "rows of a table too narrow"
exit $failed
