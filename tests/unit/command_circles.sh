#!/usr/bin/env bash
# The files of the command call each other in one direction: their symbols make no circle (nm, tsort).
# Needs $PW_BUILD, where the command is built.
set -u
: "${PW_BUILD:?the build tree}"
objects=$PW_BUILD/CMakeFiles/pagewalk.dir/cmd
command -v tsort > /dev/null || exit 77

# Pairs "user definer" of all symbols that one file uses and another defines.
pairs() {
  nm -A "$objects"/*.o | awk '
    { file = $1; sub(/:.*/, "", file); sub(/.*\//, "", file); type = $(NF - 1) }
    type == "U" { n++; user[n] = file; used[n] = $NF }
    type ~ /^[TDRBC]$/ { definer[$NF] = file }
    END { for (i = 1; i <= n; i++) if (used[i] in definer && definer[used[i]] != user[i]) print user[i], definer[used[i]] }'
}

found=$(pairs | sort -u)
[ "$(printf '%s\n' "$found" | wc -l)" -gt 50 ] || { echo "FAIL too few calls between files were seen"; exit 1; }
if ! circles=$(printf "%s\n" "$found" | tsort 2>&1 > /dev/null); then
  echo "$circles"
  echo "FAIL files of cmd/ call each other in a circle"
  exit 1
fi

# It can fail: the heap told of an error speaks through say.c, which then must not use the heap.
printf '%s\n' "$found" | grep -q '^heap.c.o say.c.o$' || { echo "FAIL heap.c no longer uses say.c: take another pair here"; exit 1; }
if { printf '%s\n' "$found"; echo 'say.c.o heap.c.o'; } | tsort > /dev/null 2>&1; then
  echo "FAIL a circle was not noticed"
  exit 1
fi
