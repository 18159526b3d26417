# An interrupt is obeyed while a pipe is copied for opt, not only afterwards.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
set -m # so that a background job does not ignore SIGINT
yes '0 1000' | head -n 40000000 | "$PAGEWALK" run - --format din --memory 8K --memory-policy opt --csv out 2>err &
sleep 0.5
pid=$(pgrep -P $$ -x pagewalk)
kill -INT "$pid"
wait %1
status=$?
[ $status -ne 0 ] || { echo "it ran to its end"; exit 1; }
grep -q interrupted err || { echo "status $status, and no word of it: $(cat err)"; exit 1; }
[ ! -e out ] || { echo "a file was left"; exit 1; }
