# Side columns name the access that opened each visit: from accesses in another format, through conversions, and
# recorded, where they are those that Lackey's accesses give.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
openers=$PW_BUILD/tests/openers bare=$PW_BUILD/tests/bare
failed=0
fail() { echo "$1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1: $2, and not $3"; }

# A fetch, what it loads and stores, on two pages each; the second fetch straddles.
printf 'I  400ffc,4\n L 7000008,8\n S 8000ffc,8\nI  400ffe,4\n M 7000010,4\n' >small.lackey
"$PAGEWALK" convert -q --pc small.lackey -o small.pwt || fail "convert --pc fails"
wanted='0000000000 400 ffc 400ffc
0000000001 7000 8 400ffc
0000000002 8000 ffc 400ffc
0000000003 8001 0 400ffc
0000000005 401 0 401000
0000000006 7000 10 400ffe'
same "the openers" "$("$openers" small.pwt)" "$wanted"
"$PAGEWALK" convert -q small.pwt -o again.pwt
same "the openers of a .pwt made of it" "$("$openers" again.pwt)" "$wanted"
"$PAGEWALK" convert -q small.lackey -o bare.pwt
same "the openers without --pc" "$("$openers" bare.pwt)" ""
printf 'pid,tid,op,address,size\n1,1,fetch,0x1000,4\n1,2,fetch,0x2000,4\n1,1,load,0x5000,4\n1,2,load,0x6004,4\n1,3,load,0x7000,4\n' >threads.csv
"$PAGEWALK" convert -q --pc threads.csv -o threads.pwt || fail "convert --pc of CSV fails"
same "the instructions by thread" "$("$openers" threads.pwt | cut -d' ' -f4 | paste -sd' ')" "1000 2000 1000 2000 0"

# Recorded next to Lackey: visits that begin at the same access.
if [ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] && command -v valgrind >/dev/null; then
  env -i setarch -R "$PAGEWALK" record -q --pc --limit 1500000 -o recorded.pwt -- "$bare"
  env -i setarch -R "$(command -v valgrind)" -q --tool=lackey --trace-mem=yes --basic-counts=no --log-fd=9 "$bare" 9>lackey.txt
  "$PAGEWALK" convert -q --pc --limit 1500000 lackey.txt -o lackey.pwt
  "$openers" recorded.pwt >recorded
  "$openers" lackey.pwt >lackey
  join recorded lackey >both
  [ "$(wc -l <both)" -gt $(($(wc -l <lackey) * 9 / 10)) ] || fail "few visits begin at the same access: $(wc -l <both) of $(wc -l <lackey)"
  [ "$(wc -l <both)" -gt 1000 ] || fail "few visits: $(wc -l <both)"
  # the stack begins elsewhere, since the environments of the two recorders differ
  awk '$2 != $5 || ($3 != $6 && $2 !~ /^1ff[ef]/) || $4 != $7 { print "another opener: " $0; bad++ } bad == 10 { exit } END { exit bad > 0 }' both || failed=1
fi
exit $failed
