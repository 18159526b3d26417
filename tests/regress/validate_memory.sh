#!/usr/bin/env bash
# `validate --memory`: the model's prediction of a memory limit against the running kernel, where that can be asked; and nothing is left
# behind, whatever ends it. Needs $PAGEWALK, $PW_BUILD.
set -u
: "${PAGEWALK:?the command under test}"
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
root=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ || $3 == "cgroup2" { print $2 }' /proc/self/mounts | head -n 1)
left() { find "${root:-/nowhere}" -maxdepth 1 -name 'pagewalk-*' 2>/dev/null; tail -n +2 /proc/swaps | grep zram; }

# Usage errors, which need nothing.
while IFS='|' read -r words sentence; do
  # shellcheck disable=SC2086 # the options are words
  "$PAGEWALK" validate $words -- true 2>err
  [ $? -eq 2 ] && grep -qF -- "$sentence" err && [ "$(wc -l <err)" = 1 ] || fail "$words: $(cat err)"
done <<'T'
--swap 1M|--swap and --runs go with --memory SIZE
--memory 1M --json|--memory goes with --swap
--memory 1K|--memory
--memory 1M --swap 2G|--swap
--memory 1M --runs 0|--runs
T

"$PAGEWALK" validate -q --memory 8M --runs 1 --csv first.csv -- true >out 2>err
if [ $? -ne 0 ]; then
  [ "$(wc -l <err)" = 1 ] || fail "more than a sentence: $(cat err)"
  [ -z "$(left)" ] || fail "something is left: $(left)"
  [ $failed = 0 ] || exit 1
  echo "the running kernel cannot be asked here: $(cat err)"
  exit 77
fi
[ -z "$(left)" ] || fail "something is left: $(left)"
value() { awk -F, -v name="$1" -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["quantity"] == name { print $c[column] }' "$3"; }

# A program that goes through 10 MiB three times, in order and then by chance, in 7 MiB: most of its pages come from swap. Its runs differ by little.
cat >walk.c <<'C'
#include <stdlib.h>
#include <string.h>
int main(void)
{
  enum { PAGES = 2560 };
  char *p = malloc(PAGES * 4096);
  unsigned x = 1;
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < PAGES; i++) p[i * 4096L] += 1;
  for (int i = 0; i < 20000; i++) p[(x = x * 1103515245 + 12345) / 65536 % PAGES * 4096L] += 1;
  return p[0] == 77;
}
C
"${CC:-cc}" -O1 -o walk walk.c || { echo "no compiler"; exit 77; }
"$PAGEWALK" validate -q --memory 7M --swap 64M --runs 3 --csv limit.csv -- ./walk >out 2>err || fail "it failed: $(cat err)"
[ -z "$(left)" ] || fail "something is left: $(left)"
grep -Eq '^major faults +[0-9]' out || fail "no table: $(cat out)"
measured=$(value major_faults measured limit.csv) predicted=$(value major_faults predicted limit.csv)
spread=$(value major_faults spread_percent limit.csv)
echo "major faults: predicted $predicted, measured $measured (its runs differ by $spread %)"
awk -v p="$predicted" -v m="$measured" -v s="$spread" 'BEGIN { d = 100 * (p - m) / m; if (d < 0) d = -d; exit !(m > 3000 && d <= 5 + s) }' ||
  fail "the prediction is off: $(cat out)"
[ "$(value minor_faults predicted limit.csv)" -gt 2560 ] || fail "fewer minor faults than pages: $(cat limit.csv)"

# Ended in the middle: by a signal it cleans up itself; by SIGKILL the next one does.
"$PAGEWALK" validate -q --memory 7M --swap 64M -- sleep 20 >out 2>err &
for _ in $(seq 100); do [ -n "$(left)" ] && break; sleep 0.1; done
kill -TERM $!; wait $!
[ -z "$(left)" ] || fail "after an interrupt there is left: $(left)"
"$PAGEWALK" validate -q --memory 7M --swap 64M -- sleep 20 >out 2>err &
pid=$!
for _ in $(seq 200); do find "$root" -maxdepth 1 -name "pagewalk-$pid-*" | grep -q . && break; sleep 0.1; done
kill -KILL $pid; wait $pid 2>/dev/null
"$PAGEWALK" validate -q --memory 8M --runs 1 -- true >out 2>err || fail "after SIGKILL: $(cat err)"
[ -z "$(left)" ] || fail "after SIGKILL and another run there is left: $(left)"

# What is missing is one sentence each, and exit 1; with a mount namespace of its own that shows a system otherwise.
refuses() { # SENTENCE COMMANDS: those make the namespace
  unshare -m sh -c "$2; exec \"\$PAGEWALK\" validate -q --memory 8M --runs 1 -- true" >out 2>err
  code=$?
  { [ $code -eq 1 ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$1" err; } || fail "exit $code, and not '$1': $(cat err)"
  [ -z "$(left)" ] || fail "something is left: $(left)"
}
export PAGEWALK
if unshare -m true 2>/dev/null; then
  printf 'Filename Type Size Used Priority\n/dev/sda3 partition 1048572 0 -2\n' >swaps
  refuses 'swap is on already, and would take part: /dev/sda3' "mount --bind swaps /proc/swaps"
  refuses 'no zram device can be made here' "mount -t tmpfs none /sys/class/zram-control"
  refuses 'no memory cgroups here' "awk '\$3 !~ /^cgroup/' /proc/self/mounts >mounts; mount --bind mounts /proc/\$\$/mounts"
  mkdir -p gen && echo 0x0007 >gen/enabled
  [ ! -d /sys/kernel/mm/lru_gen ] || refuses 'this kernel reclaims by generations (lru_gen)' "mount --bind gen /sys/kernel/mm/lru_gen"
fi
if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null && chmod 755 "$dir" && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$PAGEWALK"; then
  setpriv --reuid=65534 --regid=65534 --clear-groups "$PAGEWALK" validate -q --memory 8M -- true >/dev/null 2>err
  [ $? -eq 1 ] && [ "$(wc -l <err)" = 1 ] && grep -qF 'which only root can' err || fail "as nobody: $(cat err)"
fi
"$PAGEWALK" validate -q --memory 8M --runs 1 --csv /dev/full -- true >out 2>err
[ $? -eq 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'full' err || fail "a full disk: $(cat err)"
[ -z "$(left)" ] || fail "after a full disk there is left: $(left)"
exit $failed
