# The events of recorded programs: each step of a known program leaves its event, in order; every page is
# mapped when it is visited, whatever the program; what came before a fault counts.
set -u
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
mapper=$PW_BUILD/tests/mapper
events=$PW_BUILD/tests/events
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
record() { timeout 100 "$PAGEWALK" record -q "$@"; }

# compare EXPECTED EVENTS: the lines, in this order, with others between them.
compare() {
  awk -v name="$1" '
    NR == FNR { if (sub(/^! /, "")) never[$0] = 1; else wanted[++n] = $0; next }
    { sub(/^[0-9]+ /, "") }
    $0 in never { print name ": there is " $0; bad = 1 }
    at < n { want = wanted[at + 1]; if (want ~ /\*$/ ? index($0, substr(want, 1, length(want) - 1)) == 1 : $0 == want) at++ }
    END { if (at < n) { print name ": there is no " wanted[at + 1]; bad = 1 } if (n == 0) { print name ": nothing was expected"; bad = 1 } exit bad }
  ' "$1" "$2" || failed=1
}

for what in maps buffers huge children; do
  record -o $what.pwt -- "$mapper" $what "$mapper" >$what.expected || fail "$what ends with $?"
  "$events" $what.pwt >$what.events || fail "$what: events and visits do not fit"
  compare $what.expected $what.events
done
sed 's/^/0 /' maps.expected >wrong.events # the comparison can fail
sed -i '3d' wrong.events
(compare maps.expected wrong.events) | grep -q 'there is no' || fail "a missing event is not noticed"

# The shared mapping of a parent is shared in its children, too.
for trace in children.*.pwt; do
  "$events" "$trace" >child.events || fail "$trace: events and visits do not fit"
  compare children.expected child.events
  grep -q 'exit 0 0 0' child.events || fail "$trace has no end"
done
[ "$(ls children.*.pwt | wc -l)" -eq 5 ] || fail "not five children: $(ls)"

# Stacks grow downwards, from the 132 KiB that the kernel gives at first.
record -o stack.pwt -- "$mapper" stack || fail "stack ends with $?"
"$events" stack.pwt >stack.events || fail "stack: events and visits do not fit"
bytes=0 pieces=0
while read -r _ _ _ size bits _; do
  pieces=$((pieces + 1)) bytes=$((bytes + 16#$size))
  { [ $pieces -gt 1 ] || [ $bytes = 135168 ]; } && [ "$bits" = 23 ] || fail "the stack: $size $bits"
done < <(grep ' map .* \[stack\]' stack.events)
{ [ $pieces -ge 50 ] && [ $bytes -gt 1500000 ] && [ $bytes -lt 1700000 ]; } || fail "the stack has $pieces pieces, $bytes bytes"
grep -q '58[0-9a-f]* .* /.*capture' stack.events && fail "the capture tool is told"

# Threads, and faults that a handler mends.
for what in threads faults; do
  record -o $what.pwt -- "$mapper" $what || fail "$what ends with $?"
  "$events" $what.pwt >$what.events || fail "$what: events and visits do not fit"
done
for kind in thread-start thread-end; do
  [ "$(grep -c " $kind " threads.events)" -eq 101 ] || fail "$(grep -c " $kind " threads.events) of $kind"
done

# Straight code that faults: 7 fetches with that of the fault, 3 stores and a load before it.
record -o cut.pwt -- "$PW_BUILD/tests/faulty"; [ $? = 139 ] || fail "a fault does not end the program"
"$PAGEWALK" info cut.pwt | tr -s ' ' | grep -E '^ (fetches|loads|stores) ' | tr -d '\n' >counts
[ "$(cat counts)" = ' fetches 7 loads 1 stores 3' ] || fail "before the fault: $(cat counts)"
"$events" cut.pwt | tail -n 1 | grep -q 'exit 0 b 0' || fail "the signal is not told: $("$events" cut.pwt | tail -n 1)"

# Who is killed from outside cannot say so.
"$PAGEWALK" record -q -o kill.pwt -- "$PW_BUILD/tests/bare" loop & recorder=$!
sleep 1; kill -KILL "$(ps -o pid= --ppid $recorder)"; wait $recorder 2>/dev/null
"$events" kill.pwt | tail -n 1 | grep -q 'exit 0 9 0' || fail "kill -9 is not told: $("$events" kill.pwt | tail -n 1)"

# Real programs: every page is mapped when it is visited.
for program in true 'ls -l /' 'sort -r /etc/passwd' 'sh -c "ls | cat; (exit 3); true"'; do
  eval "record -o real.pwt -- $program" >/dev/null
  for trace in real*.pwt; do "$events" "$trace" >/dev/null || fail "$program, $trace: events and visits do not fit"; done
  rm -f real*.pwt
done
exit $failed
