#!/usr/bin/env bash
# The symbols of real programs, compiled every way, are those that nm and readelf see; and stripped
# programs get them back from separate debug files, but never from those of another program.
# Needs $PW_BUILD; skipped where there is no compiler or no binutils.
set -u
: "${PW_BUILD:?the build folder}"
for tool in cc nm readelf strip objcopy; do
  command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0
fail() { echo "FAIL $*"; failures=$((failures + 1)); }
symbols() { "$PW_BUILD/tests/symbols" "$@" 2>err; }

cat >program.c <<'C'
#include <stdio.h>
long hot_bss[4096];
static volatile char cold_bss[3 << 12];
int warm_data[1000] = {1};
static const short constants[500] = {2};
static __thread int per_thread[10];
__attribute__((noinline)) int work(int n) { return n + warm_data[n] + constants[n]; }
__attribute__((noinline)) static int _inner(int n) { return work(n) + (int)hot_bss[n] + cold_bss[n]; }
int alias(int n) __attribute__((alias("work")));
extern int from_assembly(void);
__asm__(".text\n.type from_assembly,@function\nfrom_assembly: nop\nnop\nnop\n.type behind,@function\nbehind: nop\n.size behind,1\n");
#ifdef OTHER
int other;
#endif
int main(int argc, char **argv)
{
  (void)argv;
  per_thread[argc] = 1;
  cold_bss[argc] = 1;
  return printf("%d %p\n", _inner(argc), (void *)per_thread) < 0 || from_assembly();
}
C

# What is to be found, worked out from readelf's tables: typed, defined, not thread-local; of each
# address the sized, global, least underscored, alphabetically first. Without those of size 0.
expected() {
  readelf -sW --dyn-syms "$1" | awk '
    $1 ~ /^[0-9]+:$/ && $4 ~ /^(FUNC|IFUNC|OBJECT|COMMON)$/ && $7 ~ /^[0-9]+$/ && NF >= 8 {
      name = $8; sub(/@.*/, "", name)
      if ($3 == "0") next
      bytes = $3 ~ /^0x/ ? substr("0000000000000000" substr($3, 3), length($3) - 1) : sprintf("%016x", $3)
      match(name, /^_*/)
      printf "%s %s %s %d %03d %s\n", length($2) < 16 ? "00000000" $2 : $2, bytes, $4 ~ /FUNC/ ? "f" : "d", $5 == "GLOBAL" || $5 == "UNIQUE" ? 0 : 1, RLENGTH, name
    }' | LC_ALL=C sort -k1,1 -k4,4 -k5,5 -k6,6 -k2,2r | awk '$1 != last { print $1, $2, $3, $6; last = $1 }'
}

# compare FILE: the sized symbols are readelf's, all of them; and nm gives address and size the same.
compare() {
  symbols "$1" >got || { fail "$1: $(cat err)"; return; }
  expected "$1" >want
  awk 'NR == FNR { sized[$1] = 1; next } $1 in sized' want got >both
  diff want both >difference || fail "$1: $(head -5 difference)"
  [ "$(wc -l <want)" -ge "$2" ] || fail "$1: only $(wc -l <want) symbols to compare"
  nm -S --defined-only "$1" 2>/dev/null | awk 'NF == 4 { print $4, $1, $2 }' | sed 's/@[^ ]*//' | sort >nm
  if [ -s nm ]; then
    awk '{ print $4, $1, $2 }' got | sort | join -j 1 - nm | awk '{ n[$1]++; if ($2 == $4 && $3 == $5) same[$1] = 1 } END { for (name in n) if (!same[name]) print name }' >differ
    # without a size nm says none, so every name that it has with one must agree
    [ ! -s differ ] || fail "$1: nm disagrees about $(head -3 differ | tr '\n' ' ')"
  fi
}

build() { cc -O1 -g -o "$1" program.c "${@:2}" 2>err || { echo "note: cannot build $1: $(head -1 err)"; rm -f "$1"; return 1; }; }
has() { grep -Eq "$2" got || fail "$1: no $2"; }
for way in "pie -fPIE -pie" "fixed -fno-pie -no-pie" "static -fno-pie -static" "static-pie -fPIE -static-pie" "lld-like -Wl,-z,noseparate-code" \
    "shared -fPIC -shared"; do
  # shellcheck disable=SC2086 # words are meant
  set -- $way
  build "$@" || continue
  compare "$1" 8
  has "$1" '^[0-9a-f]{16} 0000000000008000 d hot_bss$'
  has "$1" '^[0-9a-f]{16} 0000000000003000 d cold_bss$'
  has "$1" '^[0-9a-f]{16} 0000000000000fa0 d warm_data$'
  has "$1" '^[0-9a-f]{16} 00000000000003e8 d constants$'
  has "$1" '^[0-9a-f]{16} [0-9a-f]{16} f alias$'
  has "$1" '^[0-9a-f]{16} 0000000000000003 f from_assembly$'
  ! grep -q per_thread got || fail "$1: a thread-local variable has an address"
done
[ -f pie ] && [ -f fixed ] || fail "neither program was built"
compare "$PW_BUILD/tests/symbols" 20
for file in /bin/ls /usr/bin/python3 /lib/x86_64-linux-gnu/libc.so.6; do
  [ ! -e "$file" ] || compare "$file" 5
done

# ---- separate debug files ----
symbols pie >whole
id=$(awk '{ print $3 }' err)
[ "$(readelf -n pie | awk '/Build ID:/ { print $3 }')" = "$id" ] || fail "build id $id is not readelf's"
objcopy --only-keep-debug pie pie.debug
cp pie stripped && strip stripped
mkdir -p "root/.build-id/${id:0:2}"
debug=root/.build-id/${id:0:2}/${id:2}.debug
same() { cmp -s "$1" "$2" || fail "$3: $(diff "$1" "$2" | head -3)"; }

symbols stripped >bare
! grep -q hot_bss bare || fail "a stripped program has names"
cp pie.debug "$debug" && symbols stripped root >got; same whole got "by build id"
build other -DOTHER -fPIE -pie -O2 && objcopy --only-keep-debug other other.debug && cp other.debug "$debug" && symbols stripped root >got
same bare got "the debug file of another program"
cp pie.debug "$debug" && printf '\003\000' | dd of="$debug" bs=1 seek=18 conv=notrunc status=none && symbols stripped root >got
same bare got "the debug file of another machine"
head -c 5000 pie.debug >"$debug" && symbols stripped root >got; same bare got "a cut debug file"
mkdir away && mv root/.build-id away

# by .gnu_debuglink, in each of its places; with and without a build id
for ids in build-id none; do
  build linked -fPIE -pie "-Wl,--build-id$([ $ids = none ] && echo =none)" || continue
  symbols linked >whole
  objcopy --only-keep-debug linked linked.debug
  strip linked && objcopy --add-gnu-debuglink=linked.debug linked
  mv linked.debug kept
  symbols linked root >bare
  mkdir -p .debug "root$dir"
  for place in . .debug "root$dir"; do
    cp kept "$place/linked.debug" && symbols linked root >got; same whole got "$ids: debug link to $place"
    if [ $ids = none ]; then # the checksum is what tells
      printf x >>"$place/linked.debug" && symbols linked root >got; same bare got "$ids: changed file in $place"
    else
      cp other.debug "$place/linked.debug" && symbols linked root >got; same bare got "$ids: another's file in $place"
    fi
    rm "$place/linked.debug"
  done
done
[ "$failures" -eq 0 ]
