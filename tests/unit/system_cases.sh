#!/usr/bin/env bash
# Cases of `pagewalk system` worked by hand, from text to CSV. Needs $PAGEWALK, the command under test.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0 checks=0

# trace NAME: rows of op,addr,size,pid,arg,name,offset from standard input, in $dir/NAME. Addresses may be 0xADDR+PAGES.
trace() {
  {
    echo op,addr,size,pid,arg,name,offset
    awk -F, -v OFS=, '{ while (NF < 7) $(NF + 1) = ""; if (split($2, part, "+") == 2) $2 = sprintf("%d", hex(part[1]) + 4096 * part[2]); print }
      function hex(text,   i, value) {
        text = tolower(substr(text, 3))
        for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
        return value
      }'
  } >"$dir/$1"
}

# value FILE ROW COLUMN: the cell of the row (from 1).
value() {
  awk -F, -v row="$2" -v column="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; if (!at) print "no such column" }
    NR == row + 1 { print $at }' "$1"
}

# system "PROGRAMS" "OPTIONS": runs them, all outputs in $dir/out.
system() {
  local programs=()
  ran="system $1 $2"
  for program in $1; do programs+=("$dir/$program"); done
  rm -rf "$dir/out"
  # shellcheck disable=SC2086 # the options are words
  "$PAGEWALK" system -q --no-charts "${programs[@]}" $2 -o "$dir/out" 2>"$dir/talk" || fail "$(cat "$dir/talk")"
}
fail() { echo "FAIL $ran: $*"; failures=$((failures + 1)); }

# expect TABLE ROW COLUMN=VALUE...
expect() {
  local table=$1 row=$2 pair got
  shift 2
  for pair in "$@"; do
    checks=$((checks + 1))
    got=$(value "$dir/out/$table.csv" "$row" "${pair%%=*}")
    [ "$got" = "${pair#*=}" ] || fail "row $row of $table: ${pair%%=*} is '$got', by hand '${pair#*=}'"
  done
}
# slab CACHE COLUMN=VALUE...
slab() {
  expect slabs "$(awk -F, -v name="$1" '{ for (i = 1; i <= NF; i++) if ($i == name) print NR - 1 }' "$dir/out/slabs.csv")" "${@:2}"
}
K=4096 M=$((1 << 20))

# 1. Tables: m copies that touch n leaf tables of one GiB have (3 + n) pages each; of two levels 16 KiB + n x 1 KiB.
trace one <<<'map,0x40000000,4096,0,rw-p
W,0x40000000,8'
system one "--memory 16M --kernel 0"
expect system 1 managed_bytes=$((4032 * K)) kernel_bytes=$((109 * K)) slab_bytes=$((37 * K)) table_bytes=$((4 * K)) \
  anon_bytes=$K minor_faults=1 walks=1 walk_refs=4 context_switches=0
trace leaves <<<'map,0x40000000,0x400000,0,rw-p
W,0x40000000,8
W,0x40200000,8
W,0x40000000,8'
system 'leaves;copies=8' "--memory 64M --kernel 0 --quantum 1"
expect system 1 slab_bytes=$((45 * K)) table_bytes=$((40 * K)) minor_faults=16
expect processes 8 name='leaves#8' table_bytes=$((5 * K)) resident_bytes=$((2 * K)) minor_faults=2
slab task_struct objects_peak=8 slabs_peak=2 objects=0 slabs=0
slab mm_struct objects_peak=8 slabs_peak=1
slab vm_area_struct objects_peak=8 slabs_peak=1
trace short <<<'map,0x0,0x400000,0,rw-p
W,0x0,8
W,0x100000,8
W,0x200000,8
W,0x0,8'
for m in 1 3; do
  system "short;copies=$m" "--memory 64M --kernel 0 --table arm-short --quantum 1"
  expect system 1 table_bytes=$(((16 + 3) * 1024 * m))
done

# A .bss is memory like another: with what is mapped behind it, it is one mapping.
trace bss <<<'map,0x40000000,4096,0,rw-p,/lib/x,0
map,0x40001000,4096,0,rw-p
map,0x40002000,4096,0,rw-p
W,0x40001000,8
W,0x40002000,8'
system bss "--memory 16M --kernel 0"
slab vm_area_struct objects_peak=2
slab anon_vma objects_peak=1

# 3. Files: two readers share 16 frames; cold, a major fault reads 32 pages around; private and shared writes; fault-around.
trace reader <<<'map,0x10000000,0x10000,0,r--p,/lib/a
R,0x10000000,8'
cp "$dir/reader" "$dir/reader2"
system "reader reader2" "--memory 64M --kernel 0"
expect system 1 file_bytes=$((16 * K)) minor_faults=2 major_faults=0 anon_bytes=0
expect processes 2 resident_bytes=$((16 * K)) minor_faults=1
slab inode_cache objects=1
slab radix_tree_node objects=1
trace cold <<<'map,0x10000000,0x40000,0,r--p,/lib/a
R,0x10000000+20,8
R,0x10000000+17,8
R,0x10000000,8
R,0x10000000+40,8'
system cold "--memory 64M --kernel 0 --page-cache cold"
expect system 1 major_faults=3 minor_faults=0 file_bytes=$((56 * K))
expect processes 1 resident_bytes=$((48 * K))
trace private <<<'map,0x10000000,0x2000,0,rw-p,/lib/a
R,0x10000000,8
W,0x10000000,8
W,0x10000000+1,8'
system private "--memory 64M --kernel 0"
expect system 1 minor_faults=3 copies=2 anon_bytes=$((2 * K))
trace shared <<<'map,0x10000000,0x2000,0,rw-s,/lib/a
R,0x10000000,8
W,0x10000000,8
W,0x10000000,8'
system shared "--memory 64M --kernel 0"
expect system 1 minor_faults=2 copies=0 anon_bytes=0 file_bytes=$((2 * K))
trace slot5 <<<'map,0x10005000,0x30000,0,r--p,/lib/a
R,0x10005000+3,8
R,0x10005000+15,8
R,0x10005000+16,8
R,0x10005000+26,8
R,0x10005000+27,8'
system slot5 "--memory 64M --kernel 0"
expect system 1 minor_faults=3

# 4. Private memory: the zero page, then frames; a fork of three pages, of which the child copies one.
trace zero <<<'map,0x10000000,0x2000,0,rw-p
R,0x10000000,8
W,0x10000000,8
M,0x10000000+1,8'
system zero "--memory 64M --kernel 0"
expect system 1 minor_faults=3 anon_bytes=$((2 * K)) copies=0 walks=3
trace fork <<<'map,0x10000000,0x3000,0,rw-p
W,0x10000000,8
W,0x10000000+1,8
W,0x10000000+2,8
fork,,,0,1
R,0x10000000,8,1
W,0x10000000,8,1
exit,,,1
W,0x10000000,8
W,0x10000000+1,8
W,0x10000000+2,8'
system fork "--memory 64M --kernel 0"
expect system 1 minor_faults=7 copies=1 anon_bytes=$((4 * K))
expect processes 1 minor_faults=6 copies=0 ended=end
expect processes 2 process=1 minor_faults=1 copies=1 ended=exit
slab anon_vma objects_peak=2
system fork "--memory 64M --kernel 0 --faults plain" # the parent's last writes find their pages alone
expect system 1 minor_faults=4 copies=1 anon_bytes=$((4 * K))

# 5. Huge pages: one byte of 2 MiB; a partial unmap; a fork; a memory that has no block.
trace huge <<<'map,0x40000000,0x200000,0,rw-p
W,0x40000123,1'
system huge "--memory 64M --kernel 0 --thp never,always"
expect system 1 anon_bytes=$K thp_faults=0 table_bytes=$((4 * K)) walk_refs=4
expect system 2 anon_bytes=$((2 * M)) thp_faults=1 thp_bytes=$((2 * M)) table_bytes=$((4 * K)) walk_refs=3
trace unmapped <<<'map,0x40000000,0x200000,0,rw-p
W,0x40000123,1
unmap,0x40005000,4096
W,0x40000123,1'
system unmapped "--memory 64M --kernel 0 --thp always --every 1"
expect system 1 thp_splits=1 anon_bytes=$((2 * M)) table_bytes=$((4 * K)) walks=2
expect series 2 anon_bytes=$((2 * M)) thp_bytes=0
trace hugefork <<<'map,0x40000000,0x200000,0,rw-p
W,0x40000123,1
fork,,,0,7
W,0x40000123,1,7'
system hugefork "--memory 64M --kernel 0 --thp always"
expect system 1 anon_bytes=$((513 * K)) thp_splits=1 copies=1 minor_faults=2
system huge "--memory 4M --kernel 0 --thp always"
expect system 1 thp_fallbacks=1 thp_faults=0 anon_bytes=$K
trace advised <<<'map,0x40000000,0x400000,0,rw-p
advise,0x40000000,0x200000,0,hugepage
W,0x40000000,1
W,0x40200000,1'
system advised "--memory 64M --kernel 0 --thp never,madvise,always"
expect system 1 thp_faults=0 anon_bytes=$((2 * K))
expect system 2 thp_faults=1 anon_bytes=$((513 * K))
expect system 3 thp_faults=2 anon_bytes=$((1024 * K))
trace readhuge <<<'map,0x40000000,0x200000,0,rw-p
R,0x40000000,1
W,0x40000000,1'
system readhuge "--memory 64M --kernel 0 --thp always" # the huge zero page, then a block
expect system 1 thp_faults=1 minor_faults=2 anon_bytes=$((2 * M)) thp_splits=0
# TLBs with sizes: one entry of 4K keeps the two 2M pages apart from it
trace sizes <<<'map,0x40000000,0x400000,0,rw-p
map,0x50000000,0x1000,0,rw-p
W,0x40000000,1
W,0x50000000,1
W,0x40300000,1
W,0x50000000,1
W,0x40000000,1'
system sizes "--memory 64M --kernel 0 --thp always --dtlb 1:1@4K/2:2@2M --stlb none"
expect system 1 dtlb_misses=3 walks=3 walk_refs=10
system sizes "--memory 64M --kernel 0 --thp always --dtlb 2:2 --stlb none"
expect system 1 dtlb_misses=4 walks=4 walk_refs=13

# 8. Turns and address-space numbers: three processes, three turns each.
for i in 1 2 3; do
  trace turn$i <<<'map,0x10000000,0x2000,0,rw-p
W,0x10000000,8
W,0x10000000+1,8
W,0x10000000,8'
done
system "turn1 turn2 turn3" "--memory 64M --kernel 0 --quantum 1 --asid 2,3,off,on"
expect system 1 asid_flushes=7 walks=9 context_switches=8
expect system 2 asid_flushes=0 walks=6 context_switches=8
expect system 3 asid_flushes=8 walks=9 context_switches=8
expect system 4 asid_flushes=0 walks=6
expect processes 1 walks=3 accesses=3

# 9. The heap: what is given back faults again, what malloc keeps does not.
trace brk <<<'map,0x10000000,0x1000,0,rw-p,[heap]
W,0x10000000,8
map,0x10001000,0x1000,0,rw-p,[heap]
W,0x10000000+1,8
unmap,0x10001000,0x1000
map,0x10001000,0x1000,0,rw-p,[heap]
W,0x10000000+1,8'
system brk "--memory 64M --kernel 0 --every 1"
expect system 1 minor_faults=3 anon_bytes=$((2 * K))
expect series 1 heap_bytes=$K heap_touched_bytes=$K
expect series 3 heap_bytes=$((2 * K)) heap_touched_bytes=$((2 * K))
slab vm_area_struct objects_peak=2 # the map grew the heap's, the unmap divided it
trace kept <<<'map,0x10000000,0x2000,0,rw-p,[heap]
W,0x10000000,8
W,0x10000000+1,8
W,0x10000000,8
W,0x10000000+1,8'
system kept "--memory 64M --kernel 0"
expect system 1 minor_faults=2
trace halfheap <<<'map,0x10000000,0x5000,0,rw-p,[heap]
W,0x10000000,8
W,0x10000000+3,8'
system halfheap "--memory 64M --kernel 0 --every 1"
expect series 2 heap_bytes=$((5 * K)) heap_touched_bytes=$((2 * K))
trace munmap <<<'map,0x10000000,0x1000,0,rw-p
W,0x10000000,8
unmap,0x10000000,0x1000
map,0x10000000,0x1000,0,rw-p
W,0x10000000,8
unmap,0x10000000,0x1000
map,0x10000000,0x1000,0,rw-p
W,0x10000000,8'
system munmap "--memory 64M --kernel 0"
expect system 1 minor_faults=3 anon_bytes=$K walks=3

# Programs that come later: the clock jumps to the one that is awaited.
system "turn1 turn2;start=10" "--memory 64M --kernel 0 --every 5"
expect processes 2 accesses=3
expect series 3 access=13
[ "$(tail -n +2 "$dir/out/series.csv" | wc -l)" = 3 ] || fail "three windows: 5, 10 and the rest"

# What cannot be is one sentence.
refuse() {
  local want=$1 code=$2
  shift 2
  "$PAGEWALK" system "$@" -q >"$dir/said" 2>&1
  local got=$?
  checks=$((checks + 1))
  ran="system $*"
  [ $got = "$code" ] || fail "exit $got, not $code: $(cat "$dir/said")"
  { grep -q -- "$want" "$dir/said" && [ "$(wc -l <"$dir/said")" = 1 ]; } || fail "it does not say '$want': $(cat "$dir/said")"
}
refuse "needs --memory" 2 "$dir/one"
refuse "needs a trace" 2 --memory 64M
refuse "at least" 2 "$dir/one" --memory 2M
refuse "the kernel alone takes" 1 "$dir/one" --memory 8M --kernel 8M
refuse "given twice" 2 "$dir/one" "$dir/one" --memory 64M
refuse "none of copies" 2 "$dir/one;twice" --memory 64M
refuse "none of never, madvise, always" 2 "$dir/one" --memory 64M --thp often
refuse "has no pages of 4 KiB" 1 "$dir/one" --memory 64M --table arm64-64k
refuse "take pages of one size" 1 "$dir/one" --memory 64M --dtlb 64:4@4K/32:4@4K\&2M
refuse "none of the sizes" 2 "$dir/one" --memory 64M --dtlb 64:4@8K
refuse "there is no such file" 1 "$dir/none" --memory 64M
refuse "does not fit the table" 1 "$dir/one" --memory 64M --table 8,9+12:4
trace far <<<'R,0x1000000000000,8'
refuse "does not fit the table" 1 "$dir/far" --memory 64M
trace high <<<'map,0xffff800000000000,0x1000,0,rw-p
W,0xffff800000000000,8
W,0xffff800000000008,8'
system high "--memory 64M --kernel 0"
expect system 1 minor_faults=1 walks=1 # the upper half, as the tables number it
trace wild <<<'map,0x1000,0xfffffffffffff000,0,rw-p
map,0x7ffffffff000,0x800000000000,0,rw-p,/lib/a
map,0x10000000,0x2000,0,rw-p
W,0x10000000,8
protect,0x0,0xffffffffffffffff,0,r--p
advise,0x0,0xffffffffffffffff,0,hugepage
move,0x10000000,0x1000,0,0xfffffffffffff000
move,0xffff800000000000,0x1000,0,0x10001000
kernel-read,0xfffffffffff00000,0x100000
fork,,,0,5
discard,0x0,0xffffffffffffffff,5
unmap,0x0,0xffffffffffffffff
W,0x10000000,8'
system wild "--memory 64M --kernel 0 --thp always" # sizes that no table has room for
expect system 1 minor_faults=2
trace greedy <<<"map,0x40000000,0x10000000,0,rw-p
$(for i in $(seq 0 4000); do echo "W,0x40000000+$i,8"; done)"
refuse "no page frame is left at access" 1 "$dir/greedy" --memory 8M --kernel 0 --oom stop
refuse "nobody is to be killed" 1 "$dir/greedy" --memory 8M --kernel 0 --reclaim none --oom stop

# Pages of shared memory that move to where other memory is mapped do not outlive theirs: they are touched anew.
trace moved <<<'map,0x40600000,0x2000,0,rw-s
W,0x40600000,8
map,0x40200000,0x2000,0,rw-s
move,0x40600000,0x2000,0,0x40200000
unmap,0x40600000,0x2000
W,0x40200000,8'
system moved "--memory 16M --kernel 0 --audit"
expect system 1 minor_faults=2 file_bytes=4096
# Pages that are brought: read, written, and as mlock does; those of a mapping that may not be written are read.
trace brought <<<'map,0x40000000,0x8000,0,rw-p
advise,0x40000000,0x2000,0,populate-read
advise,0x40001000,0x2000,0,populate-write
advise,0x40004000,0x2000,0,lock
map,0x50000000,0x8000,0,r--p
advise,0x50000000,0x8000,0,lock
advise,0x50000000,0x8000,0,populate-write
W,0x40001000,8
R,0x50007000,8'
system brought "--memory 16M --kernel 0 --audit"
expect system 1 minor_faults=14 anon_bytes=$((4 * 4096))

# Huge pages set aside: one entry without a table beside it, not resident; read then written two faults and one page; too few for the
# mapping: small ones; a length that is no whole page rounds up; an unmap of a part means all of it.
trace pool <<<'map,0x40000000,0x200000,0,rw-ph
W,0x40000123,1
W,0x40100000,1'
system pool "--memory 64M --kernel 0 --hugetlb none,2M=2 --audit"
expect system 1 hugetlb_fails=1 hugetlb_faults=0 anon_bytes=$((2 * K)) hugetlb_bytes=0 walk_refs=8
expect system 2 hugetlb_fails=0 hugetlb_faults=1 anon_bytes=0 hugetlb_bytes=$((2 * M)) minor_faults=1 table_bytes=$((3 * K)) walks=1 walk_refs=3 hugetlb_2m=2
expect processes 2 hugetlb_bytes=$((2 * M)) resident_bytes=0
trace poolread <<<'map,0x40000000,0x201000,0,rw-ph
R,0x40000000,1
W,0x40000000,1
W,0x403ff000,1
unmap,0x40000000,0x1000
map,0x50000000,0x200000,0,rw-ph
W,0x50000000,1'
system poolread "--memory 64M --kernel 0 --hugetlb 2M=1,2M=2 --audit"
expect system 1 hugetlb_fails=1 hugetlb_faults=1
expect system 2 hugetlb_fails=0 hugetlb_faults=3 minor_faults=4 hugetlb_bytes=$((4 * M)) copies=0
# after a fork the child copies, and has none reserved; shared ones stay one
trace poolfork <<<'map,0x40000000,0x200000,0,rw-ph
W,0x40000000,1
fork,,,0,7
W,0x40000000,1,7
W,0x40000000,1'
system poolfork "--memory 64M --kernel 0 --hugetlb 2M=2,2M=1 --audit"
expect system 1 hugetlb_bytes=$((4 * M)) copies=512 minor_faults=3
expect system 2 hugetlb_bytes=$((2 * M)) copies=0 minor_faults=2 stores=2 oom_kills=0
expect processes 4 process=1 ended=sigbus minor_faults=0 stores=0
trace poolshared <<<'map,0x40000000,0x400000,0,rw-sh
W,0x40000000,1
fork,,,0,7
W,0x40000000,1,7
W,0x40200000,1,7'
system poolshared "--memory 64M --kernel 0 --hugetlb 2M=2 --audit"
expect system 1 hugetlb_bytes=$((4 * M)) copies=0 minor_faults=3 hugetlb_faults=3
trace gigantic <<<'map,0x40000000,0x40000000,0,rw-pH
W,0x40000123,1
W,0x7fffff00,1'
system gigantic "--memory 2100M --kernel 0 --hugetlb 1G=1&2M=3"
expect system 1 hugetlb_bytes=$((1024 * M)) minor_faults=1 table_bytes=$((2 * K)) walks=1 walk_refs=2 hugetlb_1g=1
system gigantic "--memory 2100M --kernel 0 --hugetlb 1G=1 --dtlb 4:4@4K/4:4@2M --stlb none" # no array takes it
expect system 1 dtlb_misses=2 walks=2
refuse "has room for 1 pages of 1 GiB" 1 "$dir/one" --memory 2100M --hugetlb 1G=2
refuse "no room for 40 pages of 2 MiB" 1 "$dir/one" --memory 64M --hugetlb 2M=40
refuse "is not as 2M=64" 2 "$dir/one" --memory 64M --hugetlb 4M=1
refuse "plain faults know no huge pages" 1 "$dir/one" --memory 64M --hugetlb 2M=1 --faults plain

# msync: the page is written back, and its next write faults; that of another, and of private memory, does not.
trace synced <<<'map,0x40000000,0x4000,0,rw-s,/lib/x,0
map,0x50000000,0x1000,0,rw-p
W,0x40000000,1
W,0x40003000,1
W,0x50000000,1
advise,0x40000000,0x2000,0,sync
advise,0x50000000,0x1000,0,sync
W,0x40000000,1
W,0x40003000,1
W,0x50000000,1'
system synced "--memory 16M --kernel 0 --audit"
expect system 1 writebacks=1 minor_faults=4 walks=4

# By region: a walk and a fault are of what the page belongs to; a page that nothing maps is of the unknown.
trace parts <<<'map,0x10000000,0x2000,0,rw-p,[heap]
map,0x40000000,0x200000,0,rw-p
map,0x50000000,0x8000,0,r-xp,/lib/x.so,0
R,0x10000000,1
W,0x10000000,1
W,0x40000000,1
I,0x50000000,1
W,0x40100000,1
I,0x50001000,1
W,0x60000000,1'
system parts "--memory 64M --kernel 0 --thp always,never --by region"
expect regions 1 name=parts process=0 region='[heap]' walks=2 walk_refs=8 minor_faults=2 major_faults=0 own_bytes=$K
expect regions 2 region='[mmap 0x40000000]' walks=1 walk_refs=3 minor_faults=1 thp_faults=1 own_bytes=$((2 * M))
expect regions 3 region='x.so r-x' walks=2 minor_faults=1 own_bytes=0
expect regions 4 region='[unknown]' walks=1 minor_faults=1 own_bytes=$K
expect regions 6 region='[mmap 0x40000000]' walks=2 minor_faults=2 thp_faults=0 own_bytes=$((2 * K))
refuse "region is" 2 "$dir/one" --memory 64M --by process
# Never, always, and every page of 2 MiB, in words.
ran="system parts --thp never,always"
"$PAGEWALK" system "$dir/parts" --memory 64M --kernel 0 --thp never,always --by region >"$dir/summary" 2>"$dir/talk"
checks=$((checks + 1))
[ "$(sed -n '/^Huge pages/,$p' "$dir/summary" | sed -n '/against/,$p' | tr -s ' ' | sed 's/ $//')" = 'Huge pages always, against never

process page walks minor faults resident
parts -14.3 % -16.7 % +1.992 MiB

Huge pages always by region, against never

region page walks minor faults its own
parts: [heap] +0.0 % +0.0 % 0 B
parts: [mmap 0x40000000] -50.0 % -50.0 % +1.992 MiB
parts: x.so r-x +0.0 % +0.0 % 0 B
parts: [unknown] +0.0 % +0.0 % 0 B

Huge pages alone, each program by itself, against never

process page walks minor faults resident
parts -42.9 % -33.3 % +7.953 MiB' ] || fail "$(cat "$dir/summary")"

# In words: a file read from the cache, the huge zero page, a huge page, a copy after a fork (which divides it), a partial unmap.
trace words <<<'map,0x40000000,0x400000,0,rw-p
map,0x50000000,0x8000,0,r-xp,/lib/x,0
R,0x50001000,4
R,0x40000000,4
W,0x40200000,4
fork,,,0,1
W,0x40200000,4
unmap,0x40001000,0x1000'
ran="system words --tell"
"$PAGEWALK" system "$dir/words" --memory 64M --kernel 0 --thp always --tell 20 --csv "$dir/words.csv" 2>"$dir/talk"
checks=$((checks + 1))
[ "$(sed 's/^pagewalk: //' "$dir/talk")" = 'at access 0: words: minor fault, a read of 0x50001000: it is mapped to be read, and 7 pages around it
at access 1: words: minor fault, a read of 0x40000000: 2 MiB are mapped at once
at access 2: words: minor fault, a write to 0x40200000: 2 MiB are mapped at once
at access 3: words: the 2 MiB at 0x40200000 become small pages
at access 3: words: minor fault, a write to 0x40200000: the page is copied
at access 4: words: the 2 MiB at 0x40000000 become small pages' ] || fail "$(cat "$dir/talk")"

[ $failures = 0 ] && [ $checks -ge 100 ] && exit 0
echo "$failures failures, $checks checks"
exit 1
