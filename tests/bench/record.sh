# shellcheck shell=bash disable=SC2154 # the variables are those of scripts/bench
# Part of scripts/bench: recording real programs, against the programs alone and against Lackey's text.

# record_program NAME HOT COMMAND...: queues a program alone and recorded.
record_program() {
  recorded+=("$1")
  hot[$1]=$2
  queue "native-$1" "${@:3}"
  queue "recorded-$1" "$pagewalk" record -q --first -o "$work/record/$1.pwt" -- "${@:3}"
  [ -n "$quick" ] || printf '%s\0' "${@:3}" >"$work/record/$1.command"
}

make_record_inputs() {
  local programs=$root/traces/programs program record_megabyte=1000000
  [ -z "$quick" ] || record_megabyte=2000
  mkdir "$work/record"
  for program in inputs threads; do
    cc -std=gnu11 -O2 -pthread "$programs/$program.c" -o "$work/record/$program" || die "$program.c does not compile"
  done
  "$work/record/inputs" text $((20 * record_megabyte)) >"$work/record/text-20"
  "$work/record/inputs" text $((50 * record_megabyte)) >"$work/record/text-50"
}

# lackey_for NAME: runs Lackey, its text going nowhere, for so many seconds at most; sets took and ended.
lackey_for() {
  local command status=0
  mapfile -d '' -t command <"$work/record/$1.command"
  : >"$work/took/lackey-$1"
  "$measure" timeout "$lackey_seconds" valgrind -q --tool=lackey --trace-mem=yes --basic-counts=no --log-file=/dev/null \
    "${command[@]}" 3>>"$work/took/lackey-$1" >/dev/null 2>"$work/stderr" </dev/null || status=$?
  [ -s "$work/took/lackey-$1" ] || printf '0 %s 0\n' "$lackey_seconds" >"$work/took/lackey-$1"
  [ $status -eq 0 ]
}

# recorded_programs DO: calls DO NAME HOT COMMAND... for each program. HOT: the target holds for it, since it computes;
# a program that only starts pays for the translation of its code.
recorded_programs() {
  local record_rounds=200
  if [ -n "$quick" ]; then
    record_rounds=1
    "$1" "ls" '' ls -l /
  else
    "$1" "ls -lR" '' ls -lR /usr/share
    "$1" "python3, words of 20 MB" yes python3 -S -B "$root/traces/programs/words.py" "$work/record/text-20"
  fi
  "$1" "sort 20 MB" yes sort --parallel=1 -S 64M -o "$work/record/sorted" "$work/record/text-20"
  "$1" "gzip 50 MB" yes gzip -6 -c "$work/record/text-50"
  "$1" "4 threads" yes "$work/record/threads" "$record_rounds" 4
}

can_record() {
  [ -x "$(dirname "$1")/capture/launch" ] || { echo "(the capture tool of $1 is not built: scripts/setup, then build again)" && return 1; }
}

section_record() {
  local name n info recorded=() lackey_seconds=60
  local -A hot=()
  heading record "pagewalk record, time that passes until the .pwt is there; Lackey's text goes to /dev/null"
  can_record "$pagewalk" || return 0
  make_record_inputs
  recorded_programs record_program
  race
  for name in "${recorded[@]}"; do
    info=$("$pagewalk" info -q --json "$work/record/$name.pwt") || die "the recording of $name is not valid"
    n=$(grep -o '"accesses": [0-9]*' <<<"$info" | head -n 1 | grep -o '[0-9]*$')
    row "$name" "times the program's own time" "${hot[$name]:+<= 15}" "$(figure 1/1 elapsed "recorded-$name" "native-$name")"
    row "$name" "M accesses/s" "" "$(figure "$n/1e6" speed "recorded-$name")"
    row "$name" "bytes an access" "" "$(per_byte "$work/record/$name.pwt" "$n")"
    rm -f "$work/record/$name.pwt"
  done
  if [ -n "$quick" ]; then return; fi
  if ! command -v valgrind >/dev/null; then echo "(valgrind is not installed: nothing to compare with)" && return; fi
  for name in "${recorded[@]}"; do
    if lackey_for "$name"; then
      row "$name" "Lackey's time by pagewalk's" ">= 100" "$(figure 1/1 elapsed "lackey-$name" "recorded-$name")"
    else
      row "$name" "Lackey's time by pagewalk's, at least: stopped after $lackey_seconds s" "" "$(figure 1/1 elapsed "lackey-$name" "recorded-$name")"
    fi
  done
}
