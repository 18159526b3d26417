#!/usr/bin/env bash
# Ctrl-C twice ends a program that does not mind one, and never loses the recording; a recorder that is killed takes its program with
# it; a deep stack and many threads record as they run. Needs $PAGEWALK, $PW_BUILD.
set -u
command -v ps >/dev/null || { echo "ps is not installed"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "FAIL $*"; failed=1; }
alive() { ps -o pid=,stat= -s "$1" | awk '$2 !~ /Z/ { print $1 }'; }
# until COMMAND: at most a minute
until_it_holds() {
  for ((turn = 0; turn < 600; turn++)); do
    "$@" && return 0
    sleep 0.1
  done
  return 1
}
has_begun() { [ -e begun ]; }
nobody() { [ -z "$(alive "$1")" ]; }
stubborn='trap "" INT TERM; touch begun; while :; do :; done'

# One Ctrl-C is followed by SIGTERM after a second, and much later by SIGKILL; a second one by SIGKILL alone. A shell has what it starts in the
# background ignore SIGINT; on a terminal that is not so. Where the machine let more than half a second pass between the two, once more.
told='trap "" INT; trap "touch told" TERM; touch begun; while :; do :; done'
for ((try = 0; try < 10; try++)); do
  rm -f begun told twice*.pwt
  python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' \
    "$PAGEWALK" record -q -o twice.pwt -- sh -c "$told" & recorder=$!
  until_it_holds has_begun || fail "it did not begin"
  start=$(date +%s%3N)
  kill -INT $recorder
  sleep 0.3
  kill -INT $recorder
  passed=$(($(date +%s%3N) - start))
  until_it_holds nobody $recorder || { fail "something runs on: $(ps -o args= -s $recorder)"; alive $recorder | xargs -r kill -KILL; }
  wait $recorder 2>/dev/null
  "$PAGEWALK" info -q twice.pwt >/dev/null || fail "the recording is lost"
  [ $passed -gt 500 ] || break
done
[ $try -lt 10 ] || { echo "the machine is too busy to tell one Ctrl-C from two"; exit 77; }
[ ! -e told ] || fail "the second Ctrl-C did not kill at once"

rm -f begun
setsid "$PAGEWALK" record -q -o killed.pwt -- sh -c "$stubborn" & recorder=$!
until_it_holds has_begun || fail "it did not begin again"
kill -KILL $recorder
until_it_holds nobody $recorder || { fail "the program runs on: $(ps -o args= -s $recorder)"; alive $recorder | xargs -r kill -KILL; }
wait $recorder 2>/dev/null

# 28 MiB of stack where the limit allows 64, and 700 threads at a time.
if (ulimit -s 65536) 2>/dev/null; then
  (ulimit -s 65536; "$PAGEWALK" record -q -o deep.pwt -- "$PW_BUILD/tests/many" stack 7000 >/dev/null) || fail "a deep stack: exit $?"
  "$PAGEWALK" info deep.pwt | awk '$NF == "stack" { found = $2 > 26 && $3 == "MiB" } END { exit !found }' || fail "the stack is not all there"
fi
"$PAGEWALK" record -q -o threads.pwt -- "$PW_BUILD/tests/many" threads 700 >/dev/null || fail "many threads: exit $?"
[ "$("$PAGEWALK" info threads.pwt | awk '$1 == "threads" { print $2 }')" = 701 ] || fail "not 701 threads"
exit $failed
