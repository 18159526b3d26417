# scripts/compare: a build is the same as itself on random traces with events, and another whose number, status,
# sentence or file differs is told, with what repeats it.
set -u
# Two runs of one sanitized build are the same even where the sanitizer speaks: it would tell nothing.
if grep -q '^PW_SANITIZE:[^=]*=.' "$PW_BUILD/CMakeCache.txt"; then exit 77; fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
export TMPDIR=$dir/tmp
failed=0
fail() { echo "$1"; failed=1; }
compare() { "$PW_SOURCE/scripts/compare" --build "$PW_BUILD" --keep "$dir/kept" "$@" >"$dir/out" 2>"$dir/err"; }

"$PW_BUILD/tests/random_traces" "$dir" 1 9 || fail "no random trace"
trace="$dir/it's a trace.pwt"
mv "$dir/plain-00000.pwt" "$trace"

compare "$PAGEWALK" --traces 10 "$trace" || fail "a build differs from itself: $(cat "$dir/out" "$dir/err")"
grep -qE '^1[0-9][0-9] commands on 10 random traces and 1 others: 0 differ$' "$dir/out" || fail "the summary is $(cat "$dir/out")"
[ -z "$(ls "$TMPDIR")" ] || fail "it left something behind: $(ls "$TMPDIR")"

# Builds that differ in one thing on one trace.
altered() { printf '%s\n' '#!/bin/bash' 'set -o pipefail' "$1" "exec '$PAGEWALK' \"\$@\"" >"$dir/altered" && chmod +x "$dir/altered"; }
# differs TIMES PART: compare says so, of so many commands, and names the PART.
differs() {
  compare --against "$dir/altered" --only 'run -q --csv - --memory SMALL --memory-policy' --traces 10 "$trace"
  [ $? -eq 1 ] || fail "exit status not 1: $1 $2"
  [ "$(grep -c '^DIFFERS' "$dir/out")" -eq "$1" ] && grep -qF -- "$2" "$dir/out" || fail "no $2: $(cat "$dir/out" "$dir/err")"
}
altered "case \"\$*\" in *policy\ clock*plain-00004*) '$PAGEWALK' \"\$@\" | sed '/plain-00004/s/0,/1,/'; exit ;; esac"
differs 1 'pagewalk run -q --csv - --memory 64K --memory-policy clock plain-00004.pwt'
repeat=$(sed -n 's/^ *repeat with: //p' "$dir/out")
[ "$(bash -c "$repeat" | wc -l)" -eq 2 ] || fail "this does not repeat it: $repeat"
altered "case \"\$*\" in *opt*odd-00003*) '$PAGEWALK' \"\$@\"; exit 3 ;; esac"
differs 1 'pagewalk run -q --csv - --memory 64K --memory-policy opt odd-00003.pwt'
altered "case \"\$*\" in *fifo*\"it's\"*) echo 'another sentence' >&2 ;; esac"
differs 1 "it's a trace.pwt"
altered "case \"\$*\" in *policy\ random*) touch another-file ;; esac"
differs 2 'Only in'

compare "$dir/missing" && fail "a build that is not there is no failure"
grep -qF 'does not run' "$dir/err" || fail "a build that is not there: $(cat "$dir/err")"
compare "$PAGEWALK" --only nothing-like-it --traces 1 "$trace" && fail "no command is no failure"
exit $failed
