# record --kernel-events: what the kernel did for a program, which system takes; nothing of the tracing stays, also when killed.
set -u
: "${PAGEWALK:?the command under test}"
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
"$PAGEWALK" record -o p.pwt --kernel-events k.txt -- sh -c 'echo heard; exit 3' >out 2>err
code=$?
grep -q 'cannot be had for --kernel-events' err && { [ $code -eq 1 ] && [ ! -e k.txt ] || fail "a refusal: $code"; [ $failed = 0 ] && { echo "not possible here: $(cat err)"; exit 77; }; exit 1; }
[ $code -eq 3 ] || fail "exit $code, not the program's 3: $(cat err)"
[ "$(cat out)" = heard ] || fail "the second run was heard: $(cat out)"
[ "$(grep -c kmem_cache_alloc k.txt)" -gt 20 ] || fail "too few events: $(wc -l <k.txt) lines"
"$PAGEWALK" system p.pwt --memory 64M --kernel-events k.txt --audit >summary || fail "system does not take them"
grep -q '^Kernel events: [0-9]* objects came' summary || fail "the summary: $(cat summary)"
# Instances are the kernel's, whoever mounts tracefs to see them; where it is not mounted, here alone.
instances() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare -m sh -c '[ -d /sys/kernel/tracing/instances ] || mount -t tracefs nodev /sys/kernel/tracing || exit 1
                    ls /sys/kernel/tracing/instances | grep -c "^pagewalk-"'
}
rm -f p.pwt
"$PAGEWALK" record -q -o p.pwt --kernel-events k2.txt -- sleep 2 2>err &
victim=$!
for _ in $(seq 100); do
  pgrep -P $victim -x sleep >/dev/null && [ -e p.pwt ] && [ "$(instances)" = 1 ] && break
  sleep 0.1
done
[ "$(instances)" = 1 ] || fail "no instance of tracefs while the program runs: nothing to look for"
watchers=$(pgrep -P $victim | wc -l)
kill -KILL $victim
pkill -KILL -P $victim 2>/dev/null
wait $victim 2>/dev/null
sleep 1
[ ! -e k2.txt ] || fail "a killed run left a file"
instances=$(instances)
[ "$instances" = 0 ] || fail "an instance of tracefs stays ($watchers children were there)"
"$PAGEWALK" record -o p.pwt --kernel-events p.pwt -- true 2>err
[ $? -eq 2 ] || fail "the same file twice: $(cat err)"
exit $failed
