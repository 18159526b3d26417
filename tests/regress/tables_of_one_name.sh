# --levels names its tables by the number of levels: two of one name and different widths are refused.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
printf '1000 R\n' >t
printf 'traces: [t]\nsweeps:\n  - {levels: 2, va-bits: 48}\n  - {levels: 2, va-bits: 40}\n' >two.yaml
"$PAGEWALK" sweep two.yaml --no-charts -o out 2>err
[ $? -eq 2 ] || { echo "not refused as usage: $(cat err)"; exit 1; }
grep -q '2-level' err || { echo "the name is missing: $(cat err)"; exit 1; }
[ ! -e out ] || { echo "a folder was left"; exit 1; }
sed -i 's/40/48/' two.yaml
"$PAGEWALK" sweep two.yaml --no-charts -o out 2>err || { echo "one table twice is refused: $(cat err)"; exit 1; }
