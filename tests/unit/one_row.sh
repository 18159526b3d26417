#!/usr/bin/env bash
# A result column and a machine parameter are one row each: the worked examples of docs/extending.md are put into a copy of
# the source, which is built (without optimisation, some 15 s of processor time), and must then be everywhere.
# A count with a field of its own, which no model fills in, is added as well: it must be everywhere as 0.
# Needs $PW_SOURCE, the source tree, and $PW_BUILD for the templates of the charts.
set -u
: "${PW_SOURCE:?the source tree}" "${PW_BUILD:?the build tree}"

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0

fail() {
  echo "FAIL $*"
  failures=$((failures + 1))
}

# example WORDS: the C code of docs/extending.md that holds the words.
example() {
  awk -v words="$1" '
    /^```c$/ { text = ""; inside = 1; next }
    /^```$/ { if (inside && index(text, words)) printf "%s", text; inside = 0 }
    inside { text = text $0 "\n" }' "$PW_SOURCE/docs/extending.md" > "$dir/example"
  [ -s "$dir/example" ] || { fail "docs/extending.md has no example with $1"; exit 1; }
}

# insert FILE PATTERN: the example goes before the first line that matches.
insert() {
  awk -v example="$dir/example" -v pattern="$2" '
    !done && $0 ~ pattern { while ((getline line < example) > 0) print line; done = 1 }
    { print }
    END { exit !done }' "$dir/copy/$1" > "$dir/new" && mv "$dir/new" "$dir/copy/$1" || { fail "no place in $1"; exit 1; }
}

# end_of FILE TABLE: the example becomes the last rows of the table.
end_of() {
  awk -v example="$dir/example" -v table="$2" '
    index($0, table) { inside = 1 }
    inside && /^};/ { while ((getline line < example) > 0) print line; inside = 0; done = 1 }
    { print }
    END { exit !done }' "$dir/copy/$1" > "$dir/new" && mv "$dir/new" "$dir/copy/$1" || { fail "no table in $1"; exit 1; }
}

mkdir "$dir/copy" && cp -r "$PW_SOURCE/lib" "$PW_SOURCE/cmd" "$dir/copy" || exit 1
example '.name = "stlb_hits"' && end_of lib/base/counts.c 'counts[] = {'
example 'stlb_lookups - r->stlb_misses' && insert lib/base/counts.c '^static const struct pw_count counts'
example 'uint64_t shootdowns' && insert lib/pagewalk.h 'bool one_pass; '
example '.name = "shootdowns"' && end_of lib/base/counts.c 'counts[] = {'
example 'uint64_t walk_cache' && insert lib/pagewalk.h 'int memory_policy; '
example '.name = "walk-cache"' && end_of lib/base/parameters.c 'parameters[] = {'

build() {
  local flags libraries avx2=''
  libraries=$(pkg-config --libs libzstd libarchive zlib libxxhash libelf libcyaml yaml-0.1) || return 1
  flags="-std=gnu11 -O0 -D_GNU_SOURCE -DPW_LIBEXEC=\"x\" -I$dir/copy/lib $(pkg-config --cflags libarchive libcyaml)"
  case $(uname -m) in x86_64) avx2='-mavx2 -mpopcnt' ;; esac
  cp "$PW_BUILD/plot_templates.c" "$dir/copy/lib/report/"
  # shellcheck disable=SC2016,SC2086 # $0 and $1 are the inner shell's; flags are words
  find "$dir/copy" -name '*.c' -print0 | flags=$flags avx2=$avx2 xargs -0 -n 8 -P 2 sh -c '
    for file; do
      case $file in *_avx2.c) more=$avx2 ;; *) more= ;; esac
      cc $flags $more -c "$file" -o "$file.o" || exit 255
    done' sh || return 1
  # shellcheck disable=SC2086
  cc $(find "$dir/copy" -name '*.o') -o "$dir/pagewalk" $libraries -liberty -lm -pthread
}
build > "$dir/log" 2>&1 || { tail -20 "$dir/log"; fail "the copy does not build"; exit 1; }

pw() {
  "$dir/pagewalk" "$@"
}
# column FILE NAME [ROW]: the cell of a CSV without quotes.
column() {
  awk -F, -v name="$2" -v row="${3:-1}" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == row + 1 && at { print $at }' "$1"
}
# same WHAT GOT WANTED
same() {
  [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}
# says WHAT PATTERN: the last output has a line like that.
says() {
  grep -Eq -- "$2" "$dir/out" || { fail "$1 lacks '$2':"; sed 's/^/  | /' "$dir/out" | head -40; }
}

cd "$dir" || exit 1
# a trace whose map events make owners, and which has misses of the second level
trace=$PW_SOURCE/traces/samples/awk.pwt

# ---- the columns ----
pw run "$trace" --walk-cache 16 --csv run.csv || fail "run --csv"
for c in stlb_hits shootdowns walk_cache; do
  same "the last columns" "$(head -1 run.csv | grep -c "engine,walk_cache,stlb_hits,shootdowns\$")" 1
  [ -n "$(column run.csv $c)" ] || fail "$c is no column of results.csv"
done
same "STLB hits" "$(column run.csv stlb_hits)" $(($(column run.csv stlb_lookups) - $(column run.csv stlb_misses)))
same shootdowns "$(column run.csv shootdowns)" 0
same "walk cache" "$(column run.csv walk_cache)" 16
hits=$(column run.csv stlb_hits)
[ "$hits" -gt 0 ] || fail "the trace is of no use: it has no STLB hits"
pw run "$trace" --walk-cache 16 --json - > out || fail "run --json"
says JSON "\"walk_cache\": 16, \"stlb_hits\": $hits, \"shootdowns\": 0}"
pw run "$trace" --stlb none --csv none.csv
same "STLB hits without one" "$(column none.csv stlb_hits)" ''
pw run "$trace" --walk-cache 16 > out
says "the table" 'STLB hits +[0-9,]+$'
says "the table" 'shootdowns +0$'
says "the table" 'walk cache +16$'

pw run "$trace" --every 200K --csv every.csv || fail "run --every --csv"
same "series, the last columns" "$(head -1 every.csv | grep -c 'mmap_returned_bytes,stlb_hits,shootdowns$')" 1
same "the sum over windows" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "stlb_hits") at = i } NR > 1 { sum += $at } END { print sum }' every.csv)" "$hits"
pw run "$trace" --every 200K > out
says "the tables over time" 'STLB hits '

pw run "$trace" --by object --csv by.csv || fail "run --by --csv"
same "owners, the last columns" "$(head -1 by.csv | grep -c 'returned_bytes,stlb_hits,shootdowns$')" 1
same "the sum over owners" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "stlb_hits") at = i } NR > 1 { sum += $at } END { print sum }' by.csv)" "$hits"
pw run "$trace" --by object --json - > out
says "owners as JSON" '"stlb_hits": [0-9]+, "shootdowns": 0'
pw run "$trace" --by object > out
says "the table of owners" '^ +owner .* STLB hits'

# ---- the parameter ----
pw help run > out
says "the help" '--walk-cache ENTRIES'
pw help sweep > out
says "the help of sweep" '--walk-cache ENTRIES'
pw run "$trace" --walk-cache 5000 > out 2>&1 && fail "5000 entries were taken"
says "what is too large" "--walk-cache: '5000' is too large: at most 4096"
pw run "$trace" --walk-cache 1,2 > out 2>&1 && fail "run took a list"
says "a list" 'run takes one configuration, but --walk-cache gives 2 values'
pw curve "$trace" --of dtlb --walk-cache 1 > out 2>&1 && fail "curve took it"
says "a curve" '--walk-cache does not apply to curve'

printf 'traces: [%s]\nmemory: 8M,16M\nwalk-cache: 0,16..64*2\n' "$trace" > s.yaml
pw sweep s.yaml -o s -q || fail "a sweep file with the key"
same "rows" "$(($(wc -l < s/results.csv) - 1))" 8
for row in 1:8388608:0 2:8388608:16 4:8388608:64 5:16777216:0; do
  IFS=: read -r number memory cache <<< "$row"
  same "row $number" "$(column s/results.csv memory_bytes "$number"):$(column s/results.csv walk_cache "$number")" "$memory:$cache"
done
grep -q '"walk-cache": "0,16..64\*2"' s/manifest.json || fail "the manifest lacks the option"
pw sweep "$trace" --memory 8M,16M --walk-cache 0,16 -o s --resume > out 2>&1 && fail "another walk cache was taken for the same sweep"
says "resume" 'already holds the results of another sweep'

# charts: one setting has one walk cache, and says which where it is not the initial one
pw plot s/results.csv --chart fault-rate -o charts --format terminal > out 2>&1
[ -e charts/fault-rate.txt ] || fail "no chart of the sweep"
pw plot s/results.csv --x walk_cache --y stlb_hits -o charts --format svg > out 2>&1
grep -q 'walk cache entries' charts/stlb_hits-by-walk_cache.svg || fail "the axis does not name the parameter"
grep -q 'STLB hits' charts/stlb_hits-by-walk_cache.svg || fail "the axis does not name the count"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "walk_cache") at = i } NR == 1 || $at == 32' s/results.csv > one.csv
pw plot one.csv --x trace --y walks -o charts --format svg > out 2>&1
grep -q 'walk cache 32' charts/walks-by-trace.svg || fail "what is held fixed does not tell of the walk cache"

[ "$failures" -eq 0 ]
