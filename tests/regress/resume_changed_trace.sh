# A trace that changed after its sweep was finished is not taken for the one that was swept,
# even where its size is the same; and an unchanged one still is.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
printf '1000 R\n2000 W\n' >a.txt
touch -d '2000-01-01' a.txt
sweep() { "$PAGEWALK" sweep a.txt --no-charts -o out "$@" 2>err; }
sweep || { echo "the sweep failed: $(cat err)"; failed=1; }
sweep --resume || { echo "a whole sweep is refused: $(cat err)"; failed=1; }
cp out/results.csv before
printf '1000 R\n1008 W\n' >a.txt
touch -d 'now + 1 hour' a.txt
sweep --resume && { echo "results of another trace are called whole"; failed=1; }
grep -qF "a.txt may have changed" err || { echo "no word of the change: $(cat err)"; failed=1; }
cmp before out/results.csv || failed=1
sweep --force || { echo "--force failed: $(cat err)"; failed=1; }
[ "$(awk -F, 'NR == 2 { print $30 }' out/results.csv)" = 1 ] || { echo "the old rows are still there"; failed=1; }
exit $failed
