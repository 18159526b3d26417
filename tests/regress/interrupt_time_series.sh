# An interrupted time series leaves nothing behind: no rows, no temporary file, no folder that it made.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
set -m # so that a background job does not ignore SIGINT
mkfifo pipe
for where in '--csv out.csv' '-o folder'; do
  # shellcheck disable=SC2086
  "$PAGEWALK" run - --format lackey --every 100 $where < pipe 2> err &
  pid=$!
  exec 3> pipe
  awk 'BEGIN { for (i = 0; i < 400000; i++) printf " L %x,8\n", i % 999 * 4096 }' >&3
  kill -INT $pid
  awk 'BEGIN { for (i = 0; i < 400000; i++) printf " L %x,8\n", i % 999 * 4096 }' >&3 2> /dev/null
  exec 3>&-
  wait $pid
  status=$?
  [ $status -eq 1 ] || [ $status -eq 130 ] || { echo "$where: exit $status: $(cat err)"; exit 1; }
  rm -f err
  left=$(ls -A | grep -vx pipe)
  [ -z "$left" ] || { echo "$where: left behind: $left"; exit 1; }
done
