#!/usr/bin/env bash
# Whom the running kernel kills when a memory cgroup is full, in 25 scenarios, some with oom_score_adj, is whom the model says; and nothing is
# left. Needs $PAGEWALK, $PW_BUILD; skipped where there are no memory cgroups.
set -u
: "${PAGEWALK:?the command under test}"
lab=${PW_SOURCE:-.}/tests/tools/oom_lab.py
said=$(python3 "$lab" "$PAGEWALK" "$PW_BUILD/tests/grower")
code=$?
echo "$said"
[ $code -ne 77 ] || exit 77
left=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ || $3 == "cgroup2" { print $2 }' /proc/self/mounts | while read -r root; do find "$root" -maxdepth 1 -name 'oom-pagewalk-*'; done)
[ -z "$left" ] || { echo "something is left: $left"; exit 1; }
exit $code
