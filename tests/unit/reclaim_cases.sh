#!/usr/bin/env bash
# Reclaim, swap and the OOM killer of `pagewalk system`, worked by hand from text to CSV. Needs $PAGEWALK, the command under test.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0 checks=0

# trace NAME: rows from standard input; @N is the address of page N of 64 MiB mapped at 0x40000000.
trace() {
  { echo op,addr,size,pid,arg,name,offset
    awk -F, -v OFS=, '{ while (NF < 7) $(NF + 1) = ""; if (sub(/^@/, "", $2)) $2 = sprintf("%d", 1073741824 + 4096 * $2); print }'; } >"$dir/$1"
}
fail() { echo "FAIL $ran: $*"; failures=$((failures + 1)); }
# run "PROGRAMS" OPTIONS...
run() {
  local programs=() program
  for program in $1; do programs+=("$dir/$program"); done
  ran="$*"
  rm -rf "$dir/out"
  "$PAGEWALK" system -q --no-charts --audit "${programs[@]}" "${@:2}" -o "$dir/out" 2>"$dir/talk" || fail "$(cat "$dir/talk")"
}
# cell TABLE ROW COLUMN
cell() {
  awk -F, -v row="$2" -v column="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) { if ($i == column) at = i; if ($i == "event") event = i }; if (!at) print "no such column"; next }
    event && $event != "kill" { next } # of events those of kills
    ++n == row { print $at }' "$dir/out/$1.csv"
}
# happened EVENT: how often events.csv has it
happened() { awk -F, -v event="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "event") at = i } NR > 1 && $at == event { n++ } END { print n + 0 }' "$dir/out/events.csv"; }
# expect TABLE ROW COLUMN=VALUE...
expect() {
  local pair got
  for pair in "${@:3}"; do
    checks=$((checks + 1))
    got=$(cell "$1" "$2" "${pair%%=*}")
    [ "$got" = "${pair#*=}" ] || fail "row $2 of $1: ${pair%%=*} is '$got', by hand '${pair#*=}'"
  done
}
# stores FIRST LAST: one a page
stores() { seq "$1" "$2" | sed 's/.*/W,@&,8/'; }
map='map,@0,0x4000000,0,rw-p'

# Belady's string with 3 frames and with 4, by each policy: 48 frames are managed, of which the process needs 45. fifo's anomaly: 9 faults
# become 10. lru: 10 and 8. clock: each page was used since it came, so that all lose the bit at the first eviction and leave in order.
trace belady <<<"$map
$(for page in 1 2 3 4 1 2 5 1 2 3 4 5; do echo "W,@$page,8"; done)"
while read -r policy kernel minor major outs; do
  run belady --memory 4M --swap 1M --thp never --kernel "$kernel" --reclaim "$policy"
  expect system 1 "minor_faults=$minor" "major_faults=$major" "swap_ins=$major" "swap_outs=$outs"
done <<'T'
fifo 3840K 5 4 6
fifo 3836K 5 5 6
lru 3840K 5 5 7
lru 3836K 5 3 4
clock 3840K 5 4 6
T

# Three programs of 24, 16 and 12 MiB, one store a page, four times over; 48M without swap. At access 12,723 the first has 4,723 pages and
# 12 tables but the root: 4735, of 12,096 managed: (1000 + 4735 * 1000 / 12096) * 2 / 3 = 927. With oom_adj -17 on it, the second dies.
program() { echo "$map"; for _ in 1 2 3 4; do stores 0 $(($1 * 256 - 1)); done; }
trace first <<<"$(program 24)"
trace second <<<"$(program 16)"
trace third <<<"$(program 12)"
three() { "$PAGEWALK" system -q --no-charts "$@" "$dir/second" "$dir/third" --memory 48M --kernel 0 --thp never --quantum 1000 -o "$dir/out" || fail three; }
ran="three programs"
three "$dir/first"
expect system 1 oom_kills=1 swap_outs=0
expect events 1 access=12723 name=first victim=1 points=4735 score=927 cause=memory
expect events 2 access=12723 name=second victim=0 score=887
expect events 3 access=12723 name=third victim=0 score=836
expect processes 1 ended=killed accesses=4723 minor_faults=4723
expect processes 2 ended=end accesses=16384 minor_faults=4096
ran="three programs, the first never"
three "$dir/first;oom_adj=-17"
expect events 1 access=12723 name=second victim=1 score=887
expect processes 1 ended=end accesses=24576
ran="three programs, the last first"
three "$dir/first;oom_score_adj=-500" # 4735 - 500 * 12
expect events 1 name=first points=-1265 score=597 victim=0
"$PAGEWALK" system "$dir/first" "$dir/second" "$dir/third" --memory 48M --kernel 0 --thp never --quantum 1000 >"$dir/summary"
checks=$((checks + 1))
grep -qx 'first was killed at access 12,723, for want of memory: score 927; second 887; third 836' "$dir/summary" || fail "$(tail -3 "$dir/summary")"

# Linux 2.6: a parent of 40 pages whose two children have 30 and 20 of their own has 40 + 16 + 11 points, and its oldest child dies for
# it. A second has 10^9 accesses, so that nobody has run for any time.
trace family <<<"$map
$(stores 0 39)
fork,,,0,1
fork,,,0,2
map,0x10000000,0x100000,1,rw-p
map,0x10000000,0x100000,2,rw-p
$(seq 0 29 | awk '{ printf "W,%d,8,1\n", 268435456 + 4096 * $1 }')
$(seq 0 19 | awk '{ printf "W,%d,8,2\n", 268435456 + 4096 * $1 }')
map,0x20000000,0x4000000,0,rw-p
$(seq 0 2000 | awk '{ printf "W,%d,8,0\n", 536870912 + 4096 * $1 }')"
run family --memory 8M --kernel 2M --thp never --oom classic
at=$(cell events 1 access) # 40 + 30 + 20 accesses, then as many pages as the parent got
own=$((at - 90 + 40))
expect events 1 name=family process=0 victim=0 points=$((own + 70 / 2 + 1 + 60 / 2 + 1))
expect events 2 process=1 victim=1 points=70
expect events 3 process=2 victim=0 points=60
expect processes 2 ended=killed

# An access is a second: the first program has run for 3200, and root(3200 >> 3) is 20: of its 100 pages 5 points are left, which oom_adj 3 makes 40. The
# second has as many pages as seconds, and nice doubles its points. The first has lived for some 3300 seconds: root(root(3)) is 1.
trace busy <<<"$map
$(stores 0 99)
$(for _ in $(seq 3100); do echo 'W,@0,8'; done)
W,@1,8"
trace nice <<<"$map
$(stores 0 299)"
ran="classic with times"
"$PAGEWALK" system -q --no-charts "$dir/busy;oom_adj=3" "$dir/nice;nice=5" --memory 16M --kernel 0 --thp never --quantum 3200 --rate 1 --group-limit 1M --oom classic \
  -o "$dir/out" || fail classic
pages=$(($(cell events 1 access) - 3200)) root=0
while [ $(((root + 1) * (root + 1))) -le $((pages >> 3)) ]; do root=$((root + 1)); done
[ $pages -gt 100 ] && [ $root -ge 3 ] || fail "the second program has $pages pages"
expect events 1 name=busy points=40 victim=0
expect events 2 name=nice points=$((pages / root * 2)) victim=1
# What it has run for protects it: with a second of 10^9 accesses the first, of 100 << 3 points, dies.
ran="classic without times"
"$PAGEWALK" system -q --no-charts "$dir/busy;oom_adj=3" "$dir/nice;nice=5" --memory 16M --kernel 0 --thp never --quantum 3200 --group-limit 1M --oom classic \
  -o "$dir/out" || fail classic
expect events 1 name=busy points=800 victim=1

# What did not help stands before the kill: kswapd, which fails 16 times, then the process's own attempts; 16 of those freed nothing.
run first --memory 8M --kernel 0 --thp never
checks=$((checks + 1))
[ "$(happened kswapd)" = "$(cell system 1 kswapd_runs)" ] && [ "$(happened direct_reclaim)" = "$(cell system 1 direct_reclaims)" ] && [ "$(happened direct_reclaim)" = 16 ] &&
  [ "$(happened kill)" = 1 ] || fail "$(cut -d, -f 24-30 "$dir/out/events.csv" | sort | uniq -c)"
# A group at its limit of 11 pages of the kernel's (4 tables, a stack of 4, objects of 10,408 bytes) and 3 more: the fourth store is charged before it has a frame. 3 >> p pages are scanned at
# priority p, of which private memory has 60 of 200 parts: none, until at priority 0 all three are looked at; they were accessed, and stay. Nothing was
# freed, so once more: none has been touched since, and all three leave.
trace four <<<"$map
$(stores 0 3)"
run four --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((14 * 4))K
expect system 1 minor_faults=4 major_faults=0 swap_outs=3
# Without swap nobody can leave, and the process is killed on its fourth store.
run four --memory 16M --kernel 0 --thp never --group-limit $((14 * 4))K
expect system 1 minor_faults=3 swap_outs=0 oom_kills=1
expect events 1 name=four victim=1 cause=group points=6 access=3
# With --oom stop the run ends instead.
"$PAGEWALK" system -q "$dir/four" --memory 16M --kernel 0 --thp never --group-limit 56K --oom stop --csv - >/dev/null 2>"$dir/talk"
code=$?
checks=$((checks + 1))
[ $code -eq 1 ] && grep -q 'nobody is to be killed' "$dir/talk" || fail "stop: exit $code, $(cat "$dir/talk")"

# 20 new pages, a limit of 20: the twenty-first finds 20 >> p pages to scan: 5 at priority 2, of which 60 parts of 200 are 1 page; it was
# accessed, loses the bit, and its scan costs 1. So private memory has 60 * 4 / 3 = 80 parts of 80 + 140 * 4 / 2 at priority 1: 2 of 10. At priority 0 all 20
# are looked at: 17 for the first time, and the 3 that had lost the bit leave.
trace twenty <<<"$map
$(stores 0 20)"
run twenty --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((31 * 4))K
expect system 1 minor_faults=21 swap_outs=3 scanned=23

# With swappiness 200 private memory has all parts, so that size >> priority pages are scanned. 8 new pages in a limit of 8; the ninth: 1, 2 and 4 are looked at for
# the first time at priorities 3 to 1, at 0 all 8: 7 were not touched since, and leave, page 0 at age 0 to page 6 at age 6.
trace ages <<<"$map
$(stores 0 8)"
run ages --memory 16M --kernel 0 --swap 1M --thp never --swappiness 200 --group-limit $((19 * 4))K
expect system 1 swap_outs=7 scanned=15 refaults=0
# Page 7 is touched again, 9 to 14 come, and 15: page 7, referenced before, becomes active (age 8); 8 is looked at, then 9 to 11, then all: 12 to 14 for the
# first time, 8 to 11 leave at ages 8 to 11. Page 11 comes back at age 12: 12 - 11 is no more than the one active page, so it is active at once (age 13). Page
# 10: 13 - 10 is more (11 waits in the batch, and is not counted): not active.
trace refaults <<<"$map
$(stores 0 8)
R,@7,8
$(stores 9 15)
R,@11,8
R,@10,8"
run refaults --memory 16M --kernel 0 --swap 1M --thp never --swappiness 200 --group-limit $((19 * 4))K
expect system 1 swap_outs=11 scanned=27 refaults=2 major_faults=2 activations=1
# A refault made a page active, so that active pages are looked at next time: 16 comes, then 17. Priority 2: 12 leaves. 1: 13 and 14 leave, and page 7, the last
# of the active ones, becomes inactive. 0: 15, 10 and 16 are looked at, 7 leaves at age 16, and 11 becomes inactive. So 7 comes back, at age 17; nothing is active.
trace deactivated <<<"$(tail -n +2 "$dir/refaults")
$(stores 16 17)
R,@7,8"
sed -i '1d' "$dir/deactivated" && { echo op,addr,size,pid,arg,name,offset; cat "$dir/deactivated"; } >"$dir/again" && mv "$dir/again" "$dir/deactivated"
run deactivated --memory 16M --kernel 0 --swap 1M --thp never --swappiness 200 --group-limit $((19 * 4))K
expect system 1 swap_outs=15 scanned=36 refaults=3 activations=1 major_faults=3
# Batches, and stopping in proportion: 100 private pages and 80 of a file, all touched once, and one page more. While 80 >> p is not 0 files alone are scanned: 1, 2, 5,
# 10, 20, 40 from priority 6 to 1, for the first time. At 0 all of both: 32 private ones stay, of 32 of the file 2 are new and 30 leave; 32 more stay, 32 more
# leave: enough. (The file came by 4 major faults and a minor one.) 36 and 16 are left: the file stops at 16 * 100 / 81 = 19 % of its target, and private memory goes on to 81 of its 100: 17 more.
trace both <<<"map,@0,0x100000,0,rw-p
map,@256,0x50000,0,r--p,/f,0
$(stores 0 99)
$(seq 256 335 | sed 's/.*/R,@&,8/')
$(stores 100 100)"
run both --memory 16M --kernel 0 --swap 1M --thp never --page-cache cold --swappiness 100 --group-limit $((191 * 4))K --every 1
expect system 1 scanned=223 swap_outs=0 minor_faults=102 major_faults=4 refaults=0
rows=$(($(wc -l <"$dir/out/series.csv") - 1))
expect series $rows file_bytes=$((18 * 4096))

# What comes back is told from what comes first. Nothing is active, and there are no files: so the lists had to have been longer by all that came
# since, and nothing becomes active.
trace back <<<"$map
$(stores 0 20)
$(stores 0 20)"
run back --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((31 * 4))K
checks=$((checks + 1))
[ "$(cell system 1 refaults)" -gt 0 ] || fail "nothing came back"
expect system 1 refaults="$(cell system 1 swap_ins)" major_faults="$(cell system 1 swap_ins)" activations=0

# Swap of 8 pages, one of them the header: 7 pages can leave, and then nobody can: killed.
trace more <<<"$map
$(stores 0 39)"
run more --memory 16M --kernel 0 --swap 32K --thp never --group-limit $((31 * 4))K
expect system 1 swap_outs=7 swap_bytes=$((7 * 4096)) oom_kills=1 minor_faults=27

# A fork's pages are in swap for both; the first to come back finds it alone there, and leaves it in the swap cache for the other: minor.
trace forked <<<"$map
$(stores 0 9)
fork,,,0,1
$(stores 10 60)
R,@0,8,1
R,@0,8,0"
run forked --memory 16M --kernel 0 --swap 1M --thp never --group-limit 290K
checks=$((checks + 1))
[ "$(cell processes 2 major_faults)" = 1 ] || fail "the child's page came by $(cell processes 2 major_faults) major faults"

# The page cache: a file of 64 pages, read through a limit that has 40 for it. Nobody is killed, files are dropped and read again.
trace file <<<"map,0x10000000,0x80000,0,r--p,/f,0
$(for _ in 1 2 3; do seq 0 16 127 | awk '{ printf "R,%d,8\n", 268435456 + 4096 * $1 }'; done)"
run file --memory 16M --kernel 0 --thp never --page-cache cold --group-limit 260K
expect system 1 oom_kills=0 swap_outs=0
checks=$((checks + 1))
[ "$(cell system 1 major_faults)" -gt 4 ] && [ "$(cell system 1 refaults)" -gt 0 ] || fail "the file was never read again"

# 2 MiB are swapped whole where swap has 512 slots in a row, else as pages.
trace huge <<<"map,0x40000000,0x600000,0,rw-p
advise,0x40000000,0x600000,0,hugepage
W,0x40000000,8
W,0x40200000,8
W,0x40400000,8
W,0x40000000,8"
run huge --memory 64M --kernel 0 --swap 16M --thp always --group-limit 5M
checks=$((checks + 1))
[ "$(cell system 1 thp_swap_outs)" -ge 1 ] && [ $(($(cell system 1 swap_outs) % 512)) = 0 ] || fail "not whole: $(cell system 1 thp_swap_outs), $(cell system 1 swap_outs)"
# As pages: of the first 2 MiB one page was stored to, which goes to swap and comes back; the others hold zeros, and are free.
run huge --memory 64M --kernel 0 --swap 1M --thp always --group-limit 5M
expect system 1 thp_faults=3 thp_swap_outs=0 swap_outs=1 swap_ins=1 major_faults=1 anon_bytes=$((1025 * 4096))
# Who did not ask for huge pages gets one where it has room, and none is made (defrag is "madvise"): two blocks are in 5 MiB, and the third place
# has a base page. Without swap nothing can leave for an advised one either: it is given up after 18 tries, and nobody is killed for it.
trace unasked <<<"$(grep -v -e ^advise, -e ^op, "$dir/huge")"
run unasked --memory 64M --kernel 0 --swap 16M --thp always --group-limit 5M
expect system 1 thp_faults=2 thp_fallbacks=1 thp_swap_outs=0 swap_outs=0 minor_faults=3 major_faults=0 anon_bytes=$((1025 * 4096))
run huge --memory 64M --kernel 0 --swap none --thp madvise --group-limit 5M
expect system 1 thp_faults=2 thp_fallbacks=1 thp_swap_outs=0 swap_outs=0 major_faults=0 oom_kills=0

# Turns part where one is killed: each configuration is what it is alone.
ran="two configurations"
for swap in none 64M; do
  "$PAGEWALK" system -q "$dir/first" "$dir/second" "$dir/third" --memory 48M --kernel 0 --thp never --quantum 1000 --swap $swap --csv "$dir/$swap.csv" || fail "$swap"
done
"$PAGEWALK" system -q "$dir/first" "$dir/second" "$dir/third" --memory 48M --kernel 0 --thp never --quantum 1000 --swap none,64M --csv "$dir/both.csv" || fail both
checks=$((checks + 1))
[ "$(cut -d, -f3- "$dir/both.csv" | sed 's/,[^,]*$//')" = "$(cut -d, -f3- "$dir/none.csv" | sed 's/,[^,]*$//'; tail -n 1 "$dir/64M.csv" | cut -d, -f3- | sed 's/,[^,]*$//')" ] ||
  fail "$(diff <(cut -d, -f3- "$dir/both.csv") <(cut -d, -f3- "$dir/none.csv"; tail -n 1 "$dir/64M.csv" | cut -d, -f3-))"

# In words: who leaves, comes back and is killed.
ran="in words"
checks=$((checks + 1))
trace three <<<"$map
$(stores 0 3)
W,@0,8"
"$PAGEWALK" system "$dir/three" --memory 16M --kernel 0 --swap 1M --thp never --group-limit 56K --tell 9 --csv "$dir/t.csv" 2>"$dir/talk"
[ "$(sed 's/^pagewalk: //' "$dir/talk")" = 'at access 0: three: minor fault, a write to 0x40000000: it may be written from here on
at access 1: three: minor fault, a write to 0x40001000: it may be written from here on
at access 2: three: minor fault, a write to 0x40002000: it may be written from here on
at access 3: three: the page at 0x40000000 goes to swap; left are 0 inactive and 0 active private pages, 0 and 0 of files
at access 3: three: the page at 0x40001000 goes to swap; left are 0 inactive and 0 active private pages, 0 and 0 of files
at access 3: three: the page at 0x40002000 goes to swap; left are 0 inactive and 0 active private pages, 0 and 0 of files
at access 3: three: minor fault, a write to 0x40003000: it may be written from here on
at access 4: three: major fault, a write to 0x40000000: it is read from swap' ] || fail "$(cat "$dir/talk")"
checks=$((checks + 1))
"$PAGEWALK" system "$dir/three" --memory 16M --kernel 0 --thp never --group-limit 56K --tell 9 --csv "$dir/t.csv" 2>"$dir/talk"
[ "$(tail -1 "$dir/talk")" = 'pagewalk: at access 3: three: it is killed, with a score of 952' ] || fail "$(tail -1 "$dir/talk")"

# The least limit that keeps a target: 4 pages of 4 are enough for no fault; 3 are not. Without swap a smaller one kills, and keeps nothing.
trace again <<<"$map
$(stores 0 3)
$(stores 0 3)"
ran="a target"
target() { # TARGET SENTENCE OPTIONS...
  checks=$((checks + 1))
  "$PAGEWALK" system "$dir/again" --memory 16M --kernel 0 --thp never --group-limit 56K,60K,64K --target "$1" "${@:3}" --csv "$dir/t.csv" 2>"$dir/talk"
  [ $? -eq 0 ] && grep -qF -- "$2" "$dir/talk" || fail "$(cat "$dir/talk")"
}
target 0/run "--group-limit 60 KiB keeps major faults at 0/run: 0; 56 KiB has" --swap 1M
target 1000/run "--group-limit 56 KiB keeps major faults at 1000/run: " --swap 1M
target 1000000000/s "--group-limit 56 KiB keeps major faults at 1000000000/s: " --swap 1M
target 100ppm "56 KiB has 0, and a process is killed"
checks=$((checks + 1))
"$PAGEWALK" system "$dir/again" --memory 16M --target 5/h 2>"$dir/talk"
[ $? -eq 2 ] && grep -qF -- "--target: '5/h' is no rate; its forms are 0.001, 0.1%, 1000ppm (per million), 100/s and 100/run" "$dir/talk" || fail "$(cat "$dir/talk")"

# A device that takes time. At the limit of 3 pages (above) three are written, stay meanwhile, and are waited for, since nothing else can leave.
run four --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((14 * 4))K --swap-device disk --swap-latency 1T
expect system 1 minor_faults=4 major_faults=0 swap_outs=3 swap_waits=3
# Reading ahead by address: 16 pages go to swap while a child uses more than there is, and ends. The first to come back brings the 8 around it
# (4 hits are taken for granted: 4 + 2, rounded up to 8): 5 to 12. 9 to 12 are in the swap cache, four hits; 13 follows 12, so that 13 to 20 would come, and the
# mapping ends at 15; 14 and 15 are hits.
trace ahead <<<"map,@0,0x10000,0,rw-p
$(stores 0 15)
fork,,,0,1
map,0x20000000,0x200000,1,rw-p
$(seq 0 399 | awk '{ printf "W,%d,8,1\n", 536870912 + 4096 * $1 }')
exit,,,1
$(for i in 8 9 10 11 12 13 14 15; do echo "R,@$i,8,0"; done)"
run ahead --memory 16M --kernel 0 --swap 4M --thp never --group-limit 360K --swap-device ssd --swap-latency 0
expect processes 1 major_faults=2 minor_faults=22 swap_ins=11 swap_ra=9 swap_ra_hits=6
run ahead --memory 16M --kernel 0 --swap 4M --thp never --group-limit 360K --swap-device ssd --swap-latency 0 --page-cluster 0
expect processes 1 major_faults=8 minor_faults=16 swap_ins=8 swap_ra=0
run ahead --memory 16M --kernel 0 --swap 4M --thp never --group-limit 360K
expect processes 1 major_faults=8 minor_faults=16 swap_ins=8 swap_ra=0
# What comes by a read is like its copy in swap, and leaves again without being written; a write that the processor does without a fault makes it
# differ. 40 pages of 20 are read over and over, then stored to.
trace copies <<<"$map
$(stores 0 39)
$(for _ in 1 2 3; do seq 0 39 | sed 's/.*/R,@&,8/'; done)"
run copies --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((31 * 4))K --swap-device ssd --page-cluster 0
outs=$(cell system 1 swap_outs)
checks=$((checks + 1))
[ "$outs" = 40 ] && [ "$(cell system 1 swap_ins)" -gt 60 ] || fail "$outs pages were written, of 40 that were ever stored to"
trace rewritten <<<"$(tail -n +2 "$dir/copies")
$(for _ in 1 2 3; do seq 0 39 | awk '{ printf "R,%d,8\nW,%d,8\n", 1073741824 + 4096 * $1, 1073741824 + 4096 * $1 }'; done)"
run rewritten --memory 16M --kernel 0 --swap 1M --thp never --group-limit $((31 * 4))K --swap-device ssd --page-cluster 0
checks=$((checks + 1))
[ "$(cell system 1 swap_outs)" -gt 60 ] && [ "$(cell system 1 minor_faults)" = "40" ] || fail "$(cell system 1 swap_outs) pages were written, $(cell system 1 minor_faults) minor faults"

# Huge pages are compared with none at the same limit alone.
ran="comparisons"
checks=$((checks + 1))
"$PAGEWALK" system "$dir/huge" --memory 64M --kernel 0 --swap 16M --thp never,always --group-limit 5M,6M --target 1/run >"$dir/summary"
[ "$(grep -c '^Huge pages always, against never$' "$dir/summary")" = 2 ] && [ "$(grep -c -- '--group-limit' "$dir/summary")" = 2 ] || fail "$(cat "$dir/summary")"

# Bad input: one sentence each.
while IFS='|' read -r words sentence; do
  checks=$((checks + 1))
  # shellcheck disable=SC2086 # the options are words
  "$PAGEWALK" system $words --memory 16M --csv "$dir/no" 2>"$dir/talk"
  [ $? -eq 2 ] && [ "$(wc -l <"$dir/talk")" = 1 ] && grep -qF -- "$sentence" "$dir/talk" || { ran=$words; fail "$(cat "$dir/talk")"; }
done <<T
$dir/four;oom_adj=16|'16' is no whole number from -17 to 15
$dir/four;oom_score_adj=x|'x' is no whole number from -1000 to 1000
$dir/four;nice=|'' is no whole number from -20 to 19
$dir/four;oom_adj=3;oom_score_adj=3|oom_adj and oom_score_adj say the same thing
$dir/four --reclaim best|'best' is none of linux, lru, fifo, clock, random, none
$dir/four --oom never|'never' is none of badness, classic, stop
$dir/four --swappiness 201|--swappiness
$dir/four --swap 4K|--swap
$dir/four --group-limit 0|--group-limit
T

# A write that finds its page alone after a fork accesses it, also the kernel's own: CLOCK passes it over once. 67 frames; p1 is the
# first to leave, then not p0, though the hand had been there.
trace alone <<<"$map
$(stores 1 1)
$(stores 0 0)
fork,,,0,7
exit,,,7
$(stores 2 67)
kernel-write,@0,8
$(stores 68 68)
R,@0,8"
run alone --memory 4M --kernel 3584K --thp never --swap 1M --reclaim clock
expect system 1 swap_outs=2 swap_ins=0

[ $failures = 0 ] && [ $checks -ge 60 ] && exit 0
echo "$failures failures, $checks checks"
exit 1
