# The recorder or one of the recorded processes is killed at a random moment: what is left is whole
# traces or none, nothing hangs, and no half-written file stays. PW_KILLS=100 does it more often.
set -u
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
kills=${PW_KILLS:-12}
RANDOM=${PW_SEED:-$$}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "kill $i of $kills ($victim after $delay s in: $program): $1"; failed=1; }
seq 60000 | rev >numbers
programs=(
  "sort numbers -o /dev/null"
  "for i in 1 2 3 4 5 6; do ls -lR /usr/share/zoneinfo >/dev/null; done"
  "gzip -c numbers | gzip -d | wc -c >/dev/null & sort -r numbers >/dev/null; wait"
)

# All processes of the session, without the ones that only wait to be collected.
alive() { ps -o pid=,stat= -s "$1" | awk '$2 !~ /Z/ { print $1 }'; }

recorded=0
for ((i = 1; i <= kills; i++)); do
  mkdir traces
  program=${programs[RANDOM % ${#programs[@]}]}
  victim=$([ $((RANDOM % 2)) = 0 ] && echo recorder || echo program)
  delay=0.$(printf '%03d' $((RANDOM % 1000)))
  setsid "$PAGEWALK" record -q -o traces/t.pwt -- sh -c "$program" >/dev/null 2>err & recorder=$!
  sleep "$delay"
  if [ "$victim" = recorder ]; then
    kill -KILL $recorder 2>/dev/null
  else
    mapfile -t others < <(alive $recorder | grep -vx $recorder)
    [ ${#others[@]} -gt 0 ] && kill -KILL "${others[RANDOM % ${#others[@]}]}" 2>/dev/null
  fi
  for ((turn = 0; turn < 600; turn++)); do
    [ -z "$(alive $recorder)" ] && break
    sleep 0.1
  done
  if [ $turn = 600 ]; then
    fail "hangs: $(ps -o pid=,stat=,args= -s $recorder)"
    alive $recorder | xargs -r kill -KILL
  fi
  wait $recorder 2>/dev/null
  for file in traces/*; do
    [ -e "$file" ] || continue
    recorded=$((recorded + 1))
    case $file in *.pwt) ;; *) fail "$file is left" ;; esac
    "$PAGEWALK" info -q "$file" >/dev/null 2>info || fail "$file is damaged: $(cat info)"
  done
  rm -rf traces
done
[ $recorded -gt 0 ] || { echo "no kill left a trace, which says nothing"; failed=1; }
exit $failed
