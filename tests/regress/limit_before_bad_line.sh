# A limit ends a trace before a bad line that stands behind it, wherever the parser has got to.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
printf ' L 1000,4\n L 2000,4\n S 3000,4\ngarbage\n' >t.lackey
got=$("$PAGEWALK" run t.lackey --limit 3 --csv - 2>err | awk -F, 'NR == 2 { print $16 }')
[ "$got" = 3 ] || { echo "'$got' accesses, not 3: $(cat err)"; exit 1; }
"$PAGEWALK" run t.lackey --limit 4 --csv - >out 2>err && { echo "the bad line was not refused"; exit 1; }
grep -q '^pagewalk: t.lackey: line 4 ' err || { echo "no line number: $(cat err)"; exit 1; }
[ ! -s out ] || { echo "a row came out"; exit 1; }
