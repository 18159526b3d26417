# The same output under two names is refused before it exists too, and nothing is written.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
printf '1000 R\n2000 W\n' >a.txt
mkdir sub
ln -s . here
for other in ./out sub/../out here/out "$dir/out"; do
  "$PAGEWALK" run a.txt --csv out --json "$other" 2>err
  code=$?
  [ $code -eq 2 ] || { echo "exit $code for out and $other"; failed=1; }
  grep -qF "both write to" err || { echo "no word of out and $other: $(cat err)"; failed=1; }
  [ ! -e out ] || { echo "out was written"; failed=1; rm -f out; }
done
"$PAGEWALK" run a.txt --csv out --json sub/out 2>err || { echo "two folders are refused: $(cat err)"; failed=1; }
[ -s out ] && [ -s sub/out ] || { echo "an output is missing"; failed=1; }
exit $failed
