# What the command line refuses: one sentence that starts with "pagewalk: ", the exit code
# that fits, and nothing left behind.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
printf '1000 R\n2000 W\n3000 R\n' >a.txt
cp a.txt b.txt
: >empty
mkdir full
failed=0

# expect CODE 'part of the sentence' ARGUMENT...
expect() {
  local code=$1 part=$2 got
  shift 2
  "$PAGEWALK" "$@" >out 2>err </dev/null
  got=$?
  [ $got -eq "$code" ] || { echo "exit $got, not $code: pagewalk $*"; failed=1; }
  grep -qF -- "$part" err || { echo "stderr lacks '$part': pagewalk $*: $(cat err)"; failed=1; }
  if grep -qv '^pagewalk: ' err; then echo "a line without 'pagewalk: ': pagewalk $*: $(cat err)"; failed=1; fi
  [ ! -s out ] || [ "$code" -eq 0 ] || { echo "stdout is not empty: pagewalk $*"; failed=1; }
  rm -f out err
}

expect 2 "did you mean sweep" swep
expect 2 "pagewalk help shows them" zzzzzz
expect 2 "no option --verson; did you mean --version?" --verson
expect 2 "options follow it" --dtlb
expect 2 "did you mean convert?" conv
expect 2 "needs a trace" run
expect 2 "did you mean --dtlb" run a.txt --dltb 64
expect 2 "did you mean --stlb" sweep a.txt --stbl=64 -o o
expect 2 "has no option -z" run -z
expect 2 "has no option -l; a program and its options come after --: pagewalk record ... -- ls ..." record -o a.pwt ls -l
expect 2 "come after --: pagewalk validate ... -- ls ..." validate ls --all
expect 2 "takes no argument" run a.txt --skip-bad=yes
expect 2 "--csv needs its FILE" run a.txt --csv
expect 2 "--csv needs its FILE" run a.txt --csv --json
expect 2 "given twice" run a.txt --seed 1 --seed 2
expect 2 "given twice" run a.txt --csv x --csv y
expect 2 "different files" run a.txt --csv - --json -
expect 2 "different files" run a.txt --csv x --json x
expect 2 "would overwrite the trace" run a.txt --csv a.txt
expect 2 "would overwrite the trace" run ./a.txt b.txt --json "$dir/a.txt"
expect 2 "read once" run - -
expect 2 "pagewalk sweep takes them all" run a.txt --dtlb 16,32
expect 2 "pagewalk sweep takes them all" run a.txt --page-size 4K,2M
expect 2 "pagewalk sweep takes them all" run a.txt --levels 4 --table sv39
expect 2 "pagewalk sweep takes them all" run a.txt --memory 1M --memory '1M;2M'
expect 2 "power of two" run a.txt --page-size 12K
expect 2 "at least 4096" run a.txt --page-size 1K
expect 2 "--page-size" run a.txt --page-size 99999999999999999999
expect 2 "7 ways" run a.txt --dtlb 64:7
expect 2 "did you mean" run a.txt --dtlb 64:4:lru2
expect 2 "did you mean lru?" run a.txt --dtlb 64:4:lur
expect 2 "did you mean lru?" run a.txt --memory-policy lur
expect 2 "did you mean opt?" run a.txt --memory-policy belady
expect 2 "list policies shows them" run a.txt --memory-policy xyz
expect 2 "plru" run a.txt --dtlb 48:12:plru
expect 2 "at least 1, or none for no TLB" run a.txt --dtlb 0
expect 2 "at least 1, or none for no TLB" sweep a.txt --stlb 0..4 -o o
expect 2 "ENTRIES[:WAYS[:POLICY]]" run a.txt --dtlb 64:4:lru:9
expect 2 "64:8" run a.txt --itlb 64:8:
expect 2 "unlimited" run a.txt --memory lots
expect 2 "two pages" run a.txt --memory 4K
expect 2 "did you mean fifo" run a.txt --memory-policy fifoo
expect 2 "did you mean skylake" run a.txt --machine skylark
expect 2 "separated by ';'" run a.txt --table x86-64,sv39
expect 2 "--table" run a.txt --table 9,9,9
expect 2 "has no pages" run a.txt --table x86-32 --page-size 2M
expect 2 "--levels" run a.txt --levels 9
expect 2 "only applies to --levels" run a.txt --va-bits 48
expect 2 "neither on nor off" run a.txt --asid maybe
expect 2 "neither fetch nor data" run a.txt --only stores
expect 2 "neither auto nor direct" run a.txt --engine fast
expect 2 "neither events nor kernel" run a.txt --ignore noise
expect 2 "did you mean lackey" run a.txt --format lackay
expect 2 "--warmup" run a.txt --warmup 5 --limit 5
expect 2 "--limit" run a.txt --limit 0
expect 2 "--jobs" run a.txt --jobs 0
expect 1 "nofile" run nofile
expect 1 "empty" run empty
expect 1 "full" run full
expect 1 "nodir/x.csv" run a.txt --csv nodir/x.csv
expect 1 "is a folder" run a.txt --json full
expect 1 "No space left" run a.txt --csv /dev/full
expect 2 "folder for its results" sweep a.txt
expect 2 "needs a trace" sweep -o o
expect 2 "given twice" sweep a.txt a.txt -o o
expect 2 "same trace" sweep a.txt ./a.txt -o o
expect 2 "1,000,000" sweep a.txt --dtlb 1..2000:1..1000 -o o
expect 2 "100000 values" sweep a.txt --dtlb 1..4000000000 -o o
expect 2 "empty range" sweep a.txt --dtlb 64..16 -o o
for range in 16...64*2 16..64x2 16..64*2*2 16..full 16..64*2K ..64; do
  expect 2 "forms are lo..hi, lo..hi+step and lo..hi*factor" sweep a.txt --dtlb "$range" -o o
done
expect 2 "step must be at least 1" sweep a.txt --dtlb 16..64+0 -o o
expect 2 "factor must be more than 1" sweep a.txt --dtlb '16..64*1' -o o
expect 2 "factor must be more than 1" sweep a.txt --dtlb '16..64*0.9' -o o
expect 2 "is no range of numbers" sweep a.txt --dtlb '16..64*1.' -o o
expect 2 "is no range of numbers" sweep a.txt --dtlb '16..64*.5' -o o
expect 2 "is no range of numbers" sweep a.txt --dtlb '16..64*1.2.3' -o o
expect 2 "take a larger factor" sweep a.txt --memory '1M..1000G*1.000001' -o o
expect 2 "no combination" sweep a.txt --dtlb 4:8 -o o
expect 2 "give one of them" sweep a.txt --resume --force -o o
expect 1 "parent does not exist" sweep a.txt -o no/where
expect 1 "name one that can be written to with -o" sweep a.txt -o /sys/o
expect 1 "is a file" sweep a.txt -o b.txt
expect 1 "nofile.yaml cannot be opened: No such file or directory; check its name" sweep nofile.yaml -o o
expect 2 "both sweep files" sweep a.yaml b.yaml -o o
expect 2 "needs a results.csv" plot -o o
expect 2 "folder for the charts" plot a.txt
expect 2 "there is no format" plot a.txt -o o --format gif
expect 2 "there is no chart" plot a.txt -o o --chart pie
expect 2 "did you mean tlb-miss-rate? (pagewalk list charts" plot a.txt -o o --chart tlb-mis
expect 2 "full is a folder without a results.csv" plot full -o o
expect 2 "belong together" plot a.txt -o o --x dtlb_entries
expect 2 "did you mean dtlb_entries" plot a.txt -o o --x dtlb_entires --y walks
expect 2 "--by needs" plot a.txt -o o --by table
expect 2 "needs a file to write" convert a.txt
expect 2 "not a folder" convert a.txt b.txt -o c.pwt
expect 2 "would overwrite the trace" convert a.txt -o a.txt
expect 2 "not to a pipe" convert a.txt -o -
expect 2 "not a regular file" convert a.txt -o /dev/null
expect 2 "--level" convert a.txt -o c.pwt --level 23
expect 2 "not a folder" convert - -o full
expect 1 "nofile" convert nofile -o c.pwt
expect 1 "nodir" convert a.txt -o nodir/c.pwt
expect 2 "needs a trace" info
expect 2 "there is no list" list zzz
expect 2 "did you mean tables" list table
expect 2 "one name" list tables charts
expect 2 "did you mean run" help rum

mkdir swept && : >swept/results.csv
expect 2 "swept/ is a folder; did you mean swept/results.csv?" plot swept/ -o o
rm -r swept

# A name is shown on a terminal without its control characters.
name=$(printf 'new\nline\033[31m')
expect 1 "new?line?[31m" run "$name"

# Nothing of all this left a file.
left=$(ls -A)
[ "$left" = "$(printf 'a.txt\nb.txt\nempty\nfull')" ] && [ -z "$(ls -A full)" ] || { echo "left behind: $left"; failed=1; }

# stdout that cannot be written is an error; a reader that leaves is not news.
"$PAGEWALK" list >/dev/full 2>err
[ $? -eq 1 ] && grep -q '^pagewalk: standard output' err || { echo "list >/dev/full: $(cat err)"; failed=1; }
"$PAGEWALK" run a.txt --csv - >/dev/full 2>err
[ $? -eq 1 ] && grep -q '^pagewalk: standard output' err || { echo "run --csv - >/dev/full: $(cat err)"; failed=1; }
: | { sleep 0.1; "$PAGEWALK" help sweep 2>err; } | :
[ ! -s err ] || { echo "a closed pipe is reported: $(cat err)"; failed=1; }

# No command at all: an overview on stderr, exit 2.
"$PAGEWALK" >out 2>err
[ $? -eq 2 ] && [ ! -s out ] && grep -q sweep err || { echo "pagewalk alone"; failed=1; }
for word in help --help -h --version; do
  "$PAGEWALK" $word >out 2>err && [ -s out ] && [ ! -s err ] || { echo "pagewalk $word"; failed=1; }
done
exit $failed
