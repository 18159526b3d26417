# Process and thread 4294967295 are counted like any other.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
printf 'addr,pid,tid\n0x1000,4294967295,4294967295\n0x2000,1,1\n' >t.csv
"$PAGEWALK" info --json t.csv | grep -q '"threads": 2' || { "$PAGEWALK" info --json t.csv; exit 1; }
