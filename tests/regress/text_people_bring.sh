#!/usr/bin/env bash
# Text traces and archives as people have them get in at the first command, or are named with what to do. Needs $PAGEWALK.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0 checks=0
fail() {
  failures=$((failures + 1))
  echo "FAIL $*"
}
# reads FILE LOADS STORES [WORDS of the remark]
reads() {
  checks=$((checks + 1))
  local told
  told=$("$PAGEWALK" info "$1" 2>&1) || { fail "$1: $told"; return; }
  [ "$(awk '$1 == "loads" { l = $2 } $1 == "stores" { s = $2 } END { print l, s }' <<<"$told")" = "$2 $3" ] || fail "$1: $told"
  [ $# -lt 4 ] || grep -q "remark .*$4" <<<"$told" || fail "$1: no remark with '$4': $told"
}
# refused FILE WORDS: in one sentence with exit 2 or 1
refused() {
  checks=$((checks + 1))
  local told code
  told=$("$PAGEWALK" run "$1" 2>&1 >/dev/null)
  code=$?
  { [ $code = 1 ] || [ $code = 2 ]; } && [ "$(wc -l <<<"$told")" = 1 ] && grep -q -- "$2" <<<"$told" || fail "$1: exit $code, $told"
}

# A byte order mark, in every text format.
mark=$'\xef\xbb\xbf'
printf '%s2 400000\n0 1000\n' "$mark" >mark.din
printf '%s0041f7a0 R\n0x10 W\n' "$mark" >mark.hexrw
printf '%sI  04001000,3\n S 1ffeffe7e,8\n' "$mark" >mark.lackey
printf '%sread 0x10\nwrite 0x20\n' "$mark" >mark.txt
reads mark.din 1 0
reads mark.hexrw 1 1
reads mark.lackey 0 1
reads mark.txt 1 1 "first access: load 0x10"
python3 -c 'open("wide.txt", "wb").write("R 0x1000\r\nW 0x2000\r\n".encode("utf-16"))'
refused wide.txt "UTF-16.*iconv"

# Archives from a Mac and of folders; two traces are still too many.
python3 - <<'P'
import zipfile
def pack(name, *members):
    with zipfile.ZipFile(name, 'w') as z:
        for member in members:
            z.writestr(member, '' if member.endswith('/') else 'x' if '/._' in member or 'DS_' in member else '0x1000 R\n0x2000 W\n')
pack('mac.zip', 'a.trace', '__MACOSX/._a.trace')
pack('folder.zip', 'traces/', 'traces/.DS_Store', 'traces/a.trace', '__MACOSX/', '__MACOSX/traces/._a.trace')
pack('two.zip', 'traces/', 'traces/a.trace', 'traces/b.trace')
P
reads mac.zip 1 1
reads folder.zip 1 1
refused two.zip "more than one file"

# How a file was read is said where it is run too; and which number is meant is asked where nothing tells.
printf 'R 0x1000\nW 0x2008\n' >first.txt
checks=$((checks + 1))
"$PAGEWALK" run first.txt 2>&1 >/dev/null | grep -q "first.txt: read as text: operation, hexadecimal address, no size; first access: load 0x1000" || fail "run does not say how it read"
for command in 'curve --of dtlb' 'system --memory 64M' 'run --by region' 'convert -o first.pwt'; do
  checks=$((checks + 1))
  [ "$("$PAGEWALK" $command first.txt 2>&1 >/dev/null | grep -c 'first.txt: read as text')" = 1 ] || fail "$command does not say once how it read"
done
checks=$((checks + 1))
[ "$("$PAGEWALK" system --memory 64M,128M --thp never,always 'first.txt;copies=2' 2>&1 >/dev/null | grep -c 'first.txt: read as text')" = 1 ] || fail "copies in several configurations do not say once how they were read"
checks=$((checks + 1)) # the remark outlives the reader of a pipe that is read twice
"$PAGEWALK" sweep - --page-size 4K,2M --dtlb 64:4:plru -o swept <first.txt 2>&1 >/dev/null | grep -q "read as text" || fail "a pipe does not say how it was read"
printf 'R 1000\nW 2000\n' >digits.txt
refused digits.txt "--format text-hex or --format text-dec"
checks=$((checks + 1))
[ "$("$PAGEWALK" info --format text-dec digits.txt | awk '$1 == "loads" { print $2 }')" = 1 ] || fail "text-dec"

# What is read by nobody: two addresses a line, words in the middle, other people's traces.
printf '0x400000 R 0x1000\n0x400004 W 0x2000\n' >two_addresses.txt
refused two_addresses.txt "no format that is known"
printf '0x1000,W\n0x1000,W\n0x1000,W\n0x4000\n' >some_operations.txt
refused some_operations.txt "no format that is known"
printf 'R 7f001000 0x8\nW 7f002000 0x4\n' >prefixed_size.txt
refused prefixed_size.txt "no format that is known"
printf 'R 0x1000\nhello\nW 0x2000\n' >words.txt
refused words.txt "no format that is known"
printf '3 20734016\n1 20846400\n8 20841280 20841280\n' >cpu.trace
refused cpu.trace "Ramulator"
printf 'r,4194304,64,0,1000\nw,8388608,8,0,2000\n' >packets.txt
refused packets.txt "physical"

# --skip-bad is advised where hardly a line would go, and not where it would leave half.
{ printf 'addr,op\n'; seq 1 300 | sed 's/$/,R/'; echo '7,what'; } >one_bad.csv
refused one_bad.csv "skip-bad"
printf 'addr,op\n1,R\n2,what\n3,what\n4,R\n' >half_bad.csv
checks=$((checks + 1))
told=$("$PAGEWALK" run half_bad.csv 2>&1 >/dev/null) && fail "half_bad.csv is read"
grep -q "many lines are so" <<<"$told" && ! grep -q "skip-bad" <<<"$told" || fail "half_bad.csv: $told"

echo "$failures failures, $checks checks"
[ "$failures" = 0 ]
