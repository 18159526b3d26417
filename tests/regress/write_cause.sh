# A sweep that cannot write its results says why, although it was not the last write that
# failed; what it finished stays, and no part of results.csv does.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
for name in a b c; do printf '1000 R\n2000 W\n' >$name.txt; done
sweep() { "$PAGEWALK" sweep a.txt b.txt c.txt --dtlb 1..100 --no-charts -o out "$@" 2>err; }
(trap '' XFSZ; ulimit -f 20; sweep)
code=$?
[ $code -eq 1 ] || { echo "exit $code"; failed=1; }
grep -qF "results.csv cannot be written: File too large" err || { echo "no cause: $(cat err)"; failed=1; }
ls out | grep -q '^results' && { echo "left behind: $(ls out)"; failed=1; }
sweep --resume || { echo "the resume failed: $(cat err)"; failed=1; }
[ "$(wc -l <out/results.csv)" -eq 301 ] || { echo "rows are missing"; failed=1; }
exit $failed
