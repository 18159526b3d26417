# A recorded family: the traces of children, and of what processes execute, are named in events and join under system, where a child
# shares its parent's frames; convert keeps them, info counts them, and what is wrong with them is one sentence.
set -u
: "${PAGEWALK:?the command under test}"
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
"$PAGEWALK" record -q -o f.pwt -- sh -c '(echo sub; :); ls / >/dev/null; /bin/true' >out || fail "record failed"
[ "$(cat out)" = sub ] || fail "the output: $(cat out)"
"$PAGEWALK" info f.pwt | grep -Eq '^ *traces of children +3$' || fail "info: $(grep children <("$PAGEWALK" info f.pwt))"
system() { "$PAGEWALK" system -q --no-charts --memory 64M --kernel 0 "$@"; }
column() { awk -F, -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i } NR > 1 { print $at }' "$1"; }
system f.pwt --audit -o all || fail "the family does not run"
[ "$(column all/processes.csv name | wc -l)" = 4 ] || fail "not four processes: $(column all/processes.csv name)"
[ "$(column all/processes.csv name | grep -c '^f\.[0-9]*-2 (\(ls\|true\))$')" = 2 ] || fail "not two that became another: $(column all/processes.csv name)"
[ "$(column all/processes.csv ended | sort -u)" = exit ] || fail "not all ended: $(column all/processes.csv ended)"
[ "$(column all/system.csv context_switches)" -ge 4 ] || fail "nobody took turns"
# All accesses of all traces, and less memory than for each by itself: the fork shares, and so does the page cache.
sum=0
for t in f*.pwt; do sum=$((sum + $(column <("$PAGEWALK" run -q --csv - "$t") fetches) + $(column <("$PAGEWALK" run -q --csv - "$t") loads) + $(column <("$PAGEWALK" run -q --csv - "$t") stores))); done
[ "$(column all/system.csv accesses)" = $sum ] || fail "accesses $(column all/system.csv accesses) and not $sum"
child=$(find . -maxdepth 1 -name "f.*.pwt" ! -name "*-2.pwt" | sort | head -n 1)
[ "$(column all/slabs.csv objects | sort -nu | head -n 1)" = 0 ] || fail "objects stay"
# Configurations that run together and apart agree, also in copies.
system f.pwt --thp never,always --quantum 1K,1M --csv four.csv && system f.pwt --thp never,always --quantum 1K,1M --jobs 1 --csv one.csv && cmp four.csv one.csv ||
  fail "configurations differ"
system 'f.pwt;copies=2' -o two || fail "copies do not run"
[ "$(column two/processes.csv name | grep -c '#2\( (.*)\)*$')" = 4 ] || fail "the second copy: $(column two/processes.csv name)"
# convert keeps the names; without the files the children are gone, and the parent goes on.
mkdir apart && "$PAGEWALK" convert -q f.pwt -o apart/f.pwt || fail "convert failed"
system apart/f.pwt --audit -o alone || fail "a family without its children does not run"
[ "$(column alone/processes.csv accesses | awk '$1 > 0' | wc -l)" = 1 ] || fail "children without traces: $(column alone/processes.csv accesses)"
"$PAGEWALK" run -q --csv - f.pwt | cut -d, -f2- >a && "$PAGEWALK" run -q --csv - apart/f.pwt | cut -d, -f2- >b && cmp a b || fail "run sees children"
# A child that is given too; one that is damaged; one that is its own parent's file.
system f.pwt "$child" --csv no 2>err
[ $? -eq 1 ] && grep -q "belongs to a process that f.pwt starts, and joins by itself; leave it out" err && [ ! -e no ] || fail "given twice: $(cat err)"
for c in f.[0-9]*[0-9].pwt; do head -c 300 "$c" >"apart/$c"; done
system apart/f.pwt --csv no 2>err
[ $? -eq 1 ] && [ "$(wc -l <err)" = 1 ] && [ ! -e no ] || fail "a damaged child: $(cat err)"
for c in f.[0-9]*[0-9].pwt; do cp f.pwt "apart/$c"; done
[ -z "${ASAN_OPTIONS:-}" ] && ulimit -v 8000000
system apart/f.pwt --reclaim none --oom stop --csv no 2>err
[ $? -eq 1 ] && [ "$(wc -l <err)" = 1 ] && [ ! -e no ] || fail "children without end: $? $(head -c 300 err)"
exit $failed
