# Files of a computer: the same as the command line, which replaces what they say; errors name file and line.
set -u
: "${PAGEWALK:?the command under test}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
mkdir study
printf 'op,addr,size,pid,arg,name,offset\nmap,0x40000000,8192,0,rw-p,,\nW,0x40000000,8,,,,\nW,0x40001000,8,,,,\n' >study/a.csv
sed s/0x4/0x5/g study/a.csv >study/b.csv
cat >study/m.yaml <<'Y'
# two programs
memory: 16M
kernel: 0
quantum: 1,10
thp: never
asid: off
dtlb: 4:1@4K/2:2@2M
processes:
  - trace: a.csv
    name: first
    copies: 2
  - {trace: b.csv, start: 2}
Y
"$PAGEWALK" system study/m.yaml -q --csv file.csv || fail "the file failed"
"$PAGEWALK" system -q --memory 16M --kernel 0 --quantum 1,10 --thp never --asid off --dtlb 4:1@4K/2:2@2M 'study/a.csv;name=first;copies=2' \
  'study/b.csv;start=2' --csv line.csv || fail "the command line failed"
cmp file.csv line.csv || fail "the file and the command line differ"
[ "$(wc -l <file.csv)" = 3 ] || fail "not a row for each quantum"
"$PAGEWALK" system study/m.yaml -q --quantum 5 study/a.csv --csv over.csv || fail "overriding failed"
[ "$(cut -d, -f2,6 over.csv | tail -n +2)" = a.csv,5 ] || fail "overriding: $(cat over.csv)"

# Addresses of what record wrote are the kernel's, unless they are to stay; those of others always stay. A program at 0x108000 and its
# interpreter at 64 MiB have tables in common as recorded, and none but the root natively.
printf 'op,addr,size,pid,arg,name\nmap,0x108000,0x1000,0,r-xp,/bin/p\nmap,0x4000000,0x1000,0,r-xp,/lib/ld.so\nI,0x108000,4,0,,\nI,0x4000000,4,0,,\n' >text.csv
"$PAGEWALK" convert -q text.csv -o text.pwt && "$PAGEWALK" convert -q text.csv -o rec.pwt --source 'pagewalk record' || fail "convert failed"
"$PAGEWALK" system --memory 16M text.pwt --csv a.csv && "$PAGEWALK" system --memory 16M rec.pwt --csv b.csv || fail "layouts failed"
"$PAGEWALK" system --memory 16M --layout recorded rec.pwt --csv c.csv || fail "--layout recorded failed"
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR == 2 { print $c }' "$2"; }
[ "$(column table_bytes a.csv) $(column table_bytes b.csv) $(column table_bytes c.csv)" = "20480 28672 20480" ] ||
  fail "tables by layout: $(column table_bytes a.csv) $(column table_bytes b.csv) $(column table_bytes c.csv)"
"$PAGEWALK" system --memory 16M --layout native,recorded rec.pwt --csv d.csv 2>err
[ $? -eq 2 ] && grep -qF -- '--layout: one layout at a time' err || fail "two layouts: $(cat err)"

# What is read is not written over: the file of the computer, a trace, the kernel's events.
printf ' x-1 [000] ..... 2.0: kfree: call_site=f ptr=10\n' >study/k.txt
while read -r words; do
  # shellcheck disable=SC2086 # the options are words
  "$PAGEWALK" system -q study/m.yaml --kernel-events study/k.txt $words 2>err
  [ $? -eq 2 ] && grep -q 'would overwrite the' err || fail "$words: $(cat err)"
done <<'W'
--csv study/m.yaml
--json study/m.yaml
--json study/a.csv
--csv study/k.txt
W

# A start behind all the others is told of.
"$PAGEWALK" system study/a.csv 'study/b.csv;start=1K' --memory 16M --csv late.csv 2>err || fail "a late start failed"
grep -qF 'pagewalk: b.csv starts when nothing else runs, and the clock jumps to its start' err || fail "a late start: $(cat err)"
[ "$(column accesses late.csv)" = 4 ] || fail "a late start counts $(tail -1 late.csv)"

cd study || exit 1
# refuse 'sentence' 'yaml text'
refuse() {
  printf '%b' "$2" >e.yaml
  "$PAGEWALK" system e.yaml --csv no 2>err
  code=$?
  [ $code -eq 2 ] || fail "exit $code, not 2: $2"
  grep -qF -- "pagewalk: $1" err || fail "stderr lacks '$1': $2: $(cat err)"
  [ "$(wc -l <err)" = 1 ] || fail "more than a sentence: $2: $(cat err)"
  [ ! -e no ] || fail "a refused computer left a file: $2"
}
m='memory: 16M\n'
refuse "the trace a.csv is given twice; give it once, with copies" "${m}processes: [{trace: a.csv}, {trace: a.csv}]\n"
refuse "e.yaml, line 2: there is no key 'stat'; did you mean start?" "${m}processes: [{trace: a.csv, stat: 4}]\n"
refuse "e.yaml, line 2: there is no key 'thpp'; did you mean thp?" "${m}thpp: never\nprocesses: [{trace: a.csv}]\n"
refuse "e.yaml, line 4, copies: '0' is too small: at least 1" "${m}processes:\n  - trace: a.csv\n    copies: 0\n"
refuse "e.yaml, line 6, start: 'x' is not a whole number" "${m}processes:\n  - trace: a.csv\n    start: 1\n  - trace: b.csv\n    start: x\n"
refuse "e.yaml, line 2: process 1 of the list has no trace; add trace: FILE" "${m}processes: [{name: x}]\n"
refuse "e.yaml names no programs" "$m"
refuse "system needs --memory SIZE" "processes: [{trace: a.csv}]\n"
refuse "e.yaml, line 2: a list belongs here, such as processes: [{trace: a.pwt}]" "${m}processes: a.csv\n"
refuse "e.yaml, line 2: there is no key 'audit'; give it on the command line as --audit" "${m}audit: on\nprocesses: [{trace: a.csv}]\n"
refuse "e.yaml, line 2: there is no key 'seed'; it is of the whole computer: write it at the top level" "memory: 16M\nprocesses: [{trace: a.csv, seed: 1}]\n"
refuse "e.yaml, line 1, memory: '1M' is too small: at least 4194304" "memory: 1M\nprocesses: [{trace: a.csv}]\n"
refuse "e.yaml, line 1: there is no key" ""
"$PAGEWALK" system e.yaml e.yaml --csv no 2>err
[ $? -eq 2 ] && grep -qF 'e.yaml and e.yaml both describe a computer; give one at a time' err || fail "two files: $(cat err)"
exit $failed
