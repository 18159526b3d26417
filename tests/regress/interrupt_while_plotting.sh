# An interrupt while charts are drawn leaves no half-written chart behind, and says so.
set -u
command -v gnuplot > /dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
set -m # so that a background job does not ignore SIGINT, and is a process group
printf 'L 1000,8\nS 2000,8\nL 3000,8\n' > t
"$PAGEWALK" sweep t --format lackey --dtlb '1,2,4' --memory 8K,12K -o out --no-charts -q || exit 1
mkdir bin && printf '#!/bin/sh\necho drawing >> "%s/drawing"\nexec sleep 60\n' "$dir" > bin/gnuplot && chmod +x bin/gnuplot
PATH=$dir/bin:$PATH "$PAGEWALK" plot out/results.csv -o charts 2> err &
pid=$!
for _ in $(seq 100); do [ -e drawing ] && break; sleep 0.1; done
[ -e drawing ] || { echo "nothing was drawn"; exit 1; }
kill -INT -- "-$pid" # as a terminal does: the whole group
wait %1
status=$?
[ $status -eq 1 ] || { echo "exit $status: $(cat err)"; exit 1; }
grep -q interrupted err || { echo "no word of it: $(cat err)"; exit 1; }
left=$(find charts -type f)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
