#!/usr/bin/env bash
# Map events are read in one place: MAP, UNMAP, MOVE and FORK are named in lib/space alone, and where traces are read,
# written and recorded. Others take changes (pw_spaces_event) or ask. Then it breaks the rule on a copy, to show that it can fail.
# Needs $PW_SOURCE, the source tree.
set -u
: "${PW_SOURCE:?the source tree}"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# check FOLDER: prints each line that reads such an event elsewhere; true when there is none.
check() {
  ! (cd "$1" && grep -rnE '\bPW_EVENT_(MAP|UNMAP|MOVE|FORK)\b' cmd lib --include='*.[ch]' |
    grep -vE '^lib/(space|trace|record)/|^lib/pagewalk\.h:|^lib/base/block\.h:')
}

check "$PW_SOURCE" || { echo "these read map events; take changes from pw_spaces_event instead (lib/space/spaces.h)"; exit 1; }

mkdir -p "$copy/cmd" "$copy/lib/os" "$copy/lib/space"
echo 'if (e->kind == PW_EVENT_MAP) map(e);' >"$copy/lib/space/spaces.c"
check "$copy" || { echo "lib/space may read map events, and the test says it may not"; exit 1; }
for file in cmd/info.c lib/os/ideal.c lib/other.h; do
  for kind in MAP UNMAP MOVE FORK; do
    echo "    case PW_EVENT_$kind: break;" >"$copy/$file"
    check "$copy" >/dev/null && { echo "$file reads PW_EVENT_$kind, and the test does not see it"; exit 1; }
    rm "$copy/$file"
  done
done
exit 0
