#!/usr/bin/env bash
# What README.md shows behind a "$ pagewalk" line is what the command prints.
# Needs $PAGEWALK and $PW_SOURCE.
set -u
: "${PAGEWALK:?the command}" "${PW_SOURCE:?the source tree}"
cd "$PW_SOURCE" || exit 1
pagewalk() { "$PAGEWALK" "$@"; }

shown=$(awk '/^```/ { inside = !inside; shown = inside && $0 == "```"; next } shown' README.md)
printed='' commands=0
while IFS= read -r line; do
  [[ $line == '$ pagewalk '* ]] || continue
  commands=$((commands + 1))
  printed+=$line$'\n'$(eval "${line#\$ }" 2>&1)$'\n'
done <<<"$shown"
if [ $commands -lt 3 ]; then echo "FAIL README.md shows only $commands commands"; exit 1; fi
diff <(printf '%s\n' "$shown") <(printf '%s' "$printed") || { echo "FAIL README.md shows another output"; exit 1; }
