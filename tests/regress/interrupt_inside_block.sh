# An interrupt is obeyed inside a block, whose visits against a thousand machines take many seconds: on the
# thread that waits for the others too. Time is the processor's, so that a busy machine does not matter.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
set -m # so that a background job does not ignore SIGINT
awk 'BEGIN { for (i = 0; i < 60000; i++) printf " L %x,8\n", (i * 7919 % 1999) * 4096 }' > one_block.lackey
# What one of the machines takes, the largest, says how fast this build is here: all of them take 750 times that.
TIMEFORMAT=%U
one=$({ time "$PAGEWALK" sweep one_block.lackey --engine direct --itlb none --dtlb 1500:full:fifo --stlb none --no-charts -o one 2> err; } 2>&1)
for jobs in 1 2; do
  "$PAGEWALK" sweep one_block.lackey --engine direct --itlb none --dtlb 4..1500:full:fifo --stlb none --no-charts --jobs $jobs -o folder 2> err &
  pid=$!
  sleep 1
  kill -INT $pid || { echo "$jobs: it ended before it could be interrupted: $(cat err)"; exit 1; }
  wait $pid
  status=$?
  { [ $status -eq 1 ] || [ $status -eq 130 ]; } && grep -q interrupted err || { echo "--jobs $jobs: exit $status: $(cat err)"; exit 1; }
  rm -rf folder
done
times > times # not in a pipe, whose shell would tell of its own children
spent=$(sed -n '2s/^\([0-9]*\)m\([0-9.]*\).*/\1 \2/p' times | awk '{ print $1 * 60 + $2 }')
awk -v spent="$spent" -v one="$one" 'BEGIN { exit !(one > 0 && spent < 5 + 100 * one) }' ||
  { echo "$spent seconds of processor time went by until two interrupts were obeyed; one machine takes $one"; exit 1; }
