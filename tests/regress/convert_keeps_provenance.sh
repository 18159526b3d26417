# A .pwt that is converted again keeps where it is from, unless that is said anew.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "FAIL: $*"; failed=1; }
printf ' L 1000,8\n S 2000,8\nI  400000,4\n' >a.lackey
"$PAGEWALK" convert -q --format lackey a.lackey -o a.pwt --source 'a "source"' --command 'run it' --date 2020-02-02 || fail "convert"
"$PAGEWALK" convert -q a.pwt -o b.pwt || fail "convert again"
cmp -s a.pwt b.pwt || fail "the copy differs"
"$PAGEWALK" convert -q a.pwt -o c.pwt --command other || fail "convert with another command"
"$PAGEWALK" info -q c.pwt >info || fail "info"
grep -q 'command *other$' info || fail "the new command is not there"
grep -q 'source *a "source"$' info || fail "the source is lost"
grep -q '2020-02-02' info || fail "the date is lost"
exit $failed
