#!/usr/bin/env bash
# `pagewalk system --kernel-events`: worked by hand from text to CSV, in both forms of text, and what is refused.
# Needs $PAGEWALK.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
cell() { awk -F, -v row="$2" -v column="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i } NR == row + 1 { print $at }' "$1"; }
row() { awk -F, -v name="$1" '{ for (i = 1; i <= NF; i++) if ($i == name) print NR - 1 }' out/slabs.csv; }
same() { [ "$2" = "$3" ] || fail "$1: $2, by hand $3"; }

# 22 dentries are two slabs of one page (21 in each); the last goes, and its slab. Two objects of 64 bytes, one accounted, in caches of their
# own; 16 KiB are in frames of their own. A block of eight of the kernel's, one of a slab (passed over), one of a user (passed over).
{
  echo '# tracer: nop'
  for i in $(seq 22); do
    printf '   a b: 9.9: c-1 [000] ..... 1.%06d: kmem_cache_alloc: call_site=d+0x1/0x2 ptr=%016x name=dentry bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL node=-1 accounted=true\n' "$i" $((4096 + i))
  done
  cat <<'T'
   x-1 [001] ..... 1.100000: kmalloc: call_site=f ptr=00000000aa000001 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=false
   x-1 [001] ..... 1.100000: kmalloc: call_site=f ptr=00000000aa000002 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL_ACCOUNT node=-1 accounted=true
   x-1 [001] ..... 1.100000: kmalloc: call_site=f ptr=00000000aa000003 bytes_req=16384 bytes_alloc=16384 gfp_flags=GFP_KERNEL node=-1 accounted=false
   x-1 [001] ..... 1.200000: mm_page_alloc: page=0x1 pfn=0x10 order=3 migratetype=0 gfp_flags=GFP_KERNEL
   x-1 [001] ..... 1.200000: mm_page_alloc: page=0x1 pfn=0x20 order=0 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP
   x-1 [001] ..... 1.200000: mm_page_alloc: page=0x1 pfn=0x30 order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE
   x-1 [001] ..... 1.200000: mm_page_alloc: page=(nil) pfn=0x0 order=9 migratetype=1 gfp_flags=GFP_TRANSHUGE
   x-1 [001] ..... 1.300000: kmem_cache_free: call_site=f ptr=0000000000001016 name=dentry
   x-1 [001] ..... 1.300000: kfree: call_site=f ptr=(nil)
   x-1 [001] ..... 1.300000: kfree: call_site=f ptr=00000000aa000003
   x-1 [001] ..... 1.300000: kfree: call_site=f ptr=00000000bb000000
   x-1 [001] ..... 1.300000: mm_page_free: page=0x1 pfn=0x30 order=0
   x-1 [001] ..... 1.300000: sched_switch: ptr=1
T
} >k.txt
"$PAGEWALK" system --memory 16M --kernel 0 --kernel-events k.txt --audit --every 100M --no-charts -o out 2>err || fail "the events failed: $(cat err)"
same "objects of dentry" "$(cell out/slabs.csv "$(row dentry)" objects)" 21
same "most objects of dentry" "$(cell out/slabs.csv "$(row dentry)" objects_peak)" 22
same "slabs of dentry" "$(cell out/slabs.csv "$(row dentry)" slabs)" 1
same "most slabs of dentry" "$(cell out/slabs.csv "$(row dentry)" slabs_peak)" 2
same "kmalloc-64" "$(cell out/slabs.csv "$(row kmalloc-64)" objects)" 1
same "kmalloc-cg-64" "$(cell out/slabs.csv "$(row kmalloc-cg-64)" objects)" 1
same "caches" "$(wc -l <out/slabs.csv)" 4
same "the kernel's bytes" "$(cell out/system.csv 1 kernel_bytes)" $(((64 + 2 + 2 + 8) * 4096))
same "the programs" "$(cell out/system.csv 1 programs)" "kernel events"
same "windows" "$(tail -n +2 out/series.csv | wc -l)" 3
same "slabs when 0.2 s had gone" "$(cell out/series.csv 2 slab_bytes)" $((4 * 4096))
"$PAGEWALK" system --memory 16M --kernel-events k.txt >summary || fail "no summary"
grep -q '^Kernel events: 24 objects came and 1 went, 8 pages of its own came and 0 went.$' summary || fail "the summary: $(cat summary)"
grep -q '^Passed over: 1 pages of processes and files, 1 of slabs, 0 of page tables; 1 went that had not come;$' summary || fail "the summary: $(cat summary)"

# One that comes where another is: that one went unseen.
cat >twice.txt <<'T'
 x-1 [001] ..... 1.0: kmem_cache_alloc: call_site=d ptr=0000000000001016 name=dentry bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL
 x-1 [001] ..... 1.0: kmem_cache_alloc: call_site=d ptr=0000000000001016 name=filp bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL
 x-1 [001] ..... 1.0: mm_page_alloc: page=0x1 pfn=0x10 order=3 migratetype=0 gfp_flags=GFP_KERNEL
 x-1 [001] ..... 1.0: mm_page_alloc: page=0x1 pfn=0x10 order=0 migratetype=0 gfp_flags=GFP_KERNEL
T
"$PAGEWALK" system --memory 16M --kernel 0 --kernel-events twice.txt --audit --no-charts -o out 2>err || fail "one that comes twice: $(cat err)"
same "the first" "$(cell out/slabs.csv "$(row dentry)" objects)" 0
same "the second" "$(cell out/slabs.csv "$(row filp)" objects)" 1
"$PAGEWALK" system --memory 16M --kernel-events twice.txt | grep -qx '2 went unseen.' || fail "what went unseen is not told"

# The form of perf script, compressed, with a program beside it, whose kernel objects are then those of the events alone.
sed -e '/^#/d' -e 's/\([a-z]\)-1 \[/\1 1 [/' -e 's/ \.\.\.\.\. / /' -e 's/: \(k\|mm\)/: kmem:\1/' k.txt | zstd -q >k.zst
printf 'op,addr,size,pid,arg,name,offset\nmap,0x40000000,8192,0,rw-p,,\nW,0x40000000,8,,,,\nW,0x40001000,8,,,,\n' >a.csv
"$PAGEWALK" system a.csv --memory 16M --kernel 0 --rate 1 --kernel-events k.zst --audit --no-charts -o out 2>err || fail "perf's form failed: $(cat err)"
same "objects of dentry, perf" "$(cell out/slabs.csv "$(row dentry)" objects)" 21
same "the kernel's bytes, with a program" "$(cell out/system.csv 1 kernel_bytes)" $(((64 + 4 + 2 + 2 + 8) * 4096))
same "faults of the program" "$(cell out/system.csv 1 minor_faults)" 2

# refuse 'sentence' 'text'
refuse() {
  printf '%b' "$2" >e.txt
  "$PAGEWALK" system --memory 16M --kernel-events e.txt --csv no 2>err
  code=$?
  [ $code -eq 1 ] || fail "exit $code, not 1: $2"
  grep -qF -- "pagewalk: e.txt$1" err || fail "stderr lacks '$1': $2: $(cat err)"
  [ "$(wc -l <err)" = 1 ] && [ ! -e no ] || fail "more than a sentence: $2"
}
a='x-1 [000] ..... 2.000000: kfree: call_site=f ptr=10\n'
refuse ", line 2: the event comes before the one above it; sort the events by their times" " $a x-1 [000] ..... 1.999999: kfree: call_site=f ptr=10\n"
refuse " has no event of kmalloc" "hello\n"
refuse " is empty" ""
refuse ", line 1: the event has no ptr=" " x-1 [000] ..... 2.0: kfree: call_site=f\n"
refuse ", line 1: the event has no ptr=" " x-1 [000] ..... 2.0: kfree: call_site=f ptr=ffffffffffffffff\n"
refuse ", line 1: the event has no order= from 0 to 10" " x-1 [000] ..... 2.0: mm_page_free: page=1 pfn=0x1 order=11\n"
refuse ", line 1: the event has no name= of its cache" " x-1 [000] ..... 2.0: kmem_cache_alloc: call_site=f ptr=10 bytes_req=1 bytes_alloc=8 gfp_flags=none\n"
refuse ", line 1: there is a zero in the line" "a\\0b\n"
"$PAGEWALK" system --memory 16M --kernel-events nothere --csv no 2>err
[ $? -eq 1 ] && grep -qF "pagewalk: nothere cannot be opened" err || fail "no file: $(cat err)"
"$PAGEWALK" system --memory 16M --csv no 2>err
[ $? -eq 2 ] && grep -qF "pagewalk: system needs a trace" err || fail "nothing at all: $(cat err)"
exit $failed
