# scripts/bench runs: each section prints figures that are numbers, the CSV holds them too, a missed
# target is no failure, and a pagewalk that does not work is one.
set -u
# What it measures is the plain build; under sanitizers the same script would run the same commands.
if grep -q '^PW_SANITIZE:[^=]*=.' "$PW_BUILD/CMakeCache.txt"; then exit 77; fi
for tool in zstd xz; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
export TMPDIR=$dir/tmp
failed=0
fail() { echo "$1"; failed=1; }
bench() { "$PW_SOURCE/scripts/bench" --quick --build "$PW_BUILD" "$@" >"$dir/out" 2>"$dir/err"; }

# A trace whose name must be quoted wherever it lands.
trace="$dir/a, \"b\" \$(touch ran) it's.lackey.pwt"
awk 'BEGIN { for (i = 0; i < 6000; i++) printf "%x %s\n", (i * 7919 % 97) * 4096 + 4096, i % 3 ? "R" : "W" }' |
  "$PAGEWALK" convert -q --format hexrw - -o "$trace" || fail "the trace cannot be made"

bench "$trace" -o "$dir/figures.csv" || fail "scripts/bench failed: $(tail -n 1 "$dir/err")"
[ -s "$dir/err" ] && fail "it complained: $(cat "$dir/err")"
grep -q '^machine   .' "$dir/out" && grep -q '^compiler  .' "$dir/out" && grep -q '^version   pagewalk ' "$dir/out" ||
  fail "machine, compiler or version is not named"
grep -q '^ .* DIFFER ' "$dir/out" && fail "results differ: $(grep DIFFER "$dir/out")"

# lines SECTION: its lines below the two of the heading.
lines() { awk -v head="$1: " '/^$/ { on = 0 } on && on++ > 1; index($0, head) == 1 { on = 1 }' "$dir/out"; }
figure='^ *([0-9.]+x)? +[0-9][0-9.e+-]* +([<>]= [0-9.]+ +(met|missed))? +[^ ].*: '
same='^ +same +[^ ].*: '
while read -r section least; do
  [ -n "$section" ] || continue
  lines "$section" >"$dir/lines"
  [ "$(wc -l <"$dir/lines")" -ge "$least" ] || fail "$section has fewer than $least lines: $(cat "$dir/lines")"
  if grep -vE "$figure|$same" "$dir/lines"; then fail "these lines of $section are no figures"; fi
  [ "$(grep -c "^\"$section\"," "$dir/figures.csv")" -eq "$(grep -cvE "$same" "$dir/lines")" ] || fail "the CSV lacks lines of $section"
done <<S
thousand 6
engine 2
jobs 4
growth 8
one 9
sweep 9
footprint 8
convert 7
size 9
$([ ! -x "$PW_BUILD/capture/launch" ] || echo record 12)
S
grep -cqE ' (met|missed) ' "$dir/out" || fail "nothing is measured against a target"
[ "$(awk -F '","' 'NR > 1 && NF != 11' "$dir/figures.csv" | wc -l)" -eq 0 ] || fail "rows of the CSV have other than 11 fields"
[ -e ran ] || [ -e "$dir/ran" ] && fail "a name was run as a command"

# Two builds; here one and the same.
bench --against "$PAGEWALK" "$trace" || fail "--against failed: $(tail -n 1 "$dir/err")"
mv "$dir/out" "$dir/pairs"
[ "$(grep -E '^[a-z]+: ' "$dir/pairs" | sed 's/:.*//' | tr '\n' ' ')" = "one sweep convert " ] || fail "--against does not print its three sections"
bench --against "$PAGEWALK" --only engine --only record "$trace" || fail "--against --only failed: $(tail -n 1 "$dir/err")"
cat "$dir/pairs" >>"$dir/out"
while read -r section exact; do
  [ -n "$section" ] || continue
  [ "$(lines "$section" | grep -cE "$figure")" -eq "$exact" ] || fail "--against does not print $exact figures of $section: $(lines "$section")"
done <<S
one 9
sweep 5
engine 2
convert 7
$([ ! -x "$PW_BUILD/capture/launch" ] || echo record 8)
S

# refuse CODE 'part of the sentence' ARGUMENT...
refuse() {
  local code=$1 part=$2 got
  shift 2
  bench "$@"
  got=$?
  [ $got -eq "$code" ] || fail "exit $got, not $code: $*"
  grep -qF -- "$part" "$dir/err" || fail "stderr lacks '$part': $*: $(cat "$dir/err")"
}
refuse 2 "there is no section 'nonsense'" --only nonsense
refuse 2 "there is no section 'thousand' with --against" --against "$PAGEWALK" --only thousand
refuse 2 "--runs takes a number" --runs 0
refuse 2 "--only needs a value" --only
refuse 2 "there is no option --quik" --quik
refuse 1 "does not run" --against "$dir/missing"
refuse 1 "missing/pagewalk; build it" --build "$dir/missing"
printf '%s\n' '#!/bin/sh' 'case $* in *--memory*) echo "broken: on purpose" >&2; exit 3 ;; esac' "exec '$PAGEWALK' \"\$@\"" >"$dir/broken"
chmod +x "$dir/broken"
refuse 1 "broken: on purpose" --against "$dir/broken" "$trace"
[ -z "$(ls "$TMPDIR")" ] || fail "it left something behind: $(ls "$TMPDIR")"
exit $failed
