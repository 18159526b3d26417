# shellcheck shell=bash disable=SC2154 # the variables are those of scripts/bench
# Part of scripts/bench: this build and another in pairs of runs, a function for each section. A figure is what the
# other took by what this one took in the same turn.

pair_heading() {
  heading "$1" "$2 of $other by that of this build: above 1 this one is better"
}

# pair NAME OPTION...: queues the same command of either build.
pair() {
  queue "this-$1" "$pagewalk" "${@:2}"
  queue "other-$1" "$other" "${@:2}"
}

# pair_sweep NAME OPTION...: the same of a sweep.
pair_sweep() { pair "$1" sweep -q --no-charts --force -o "$work/out/pair" --jobs 1 "${@:2}"; }

# by WHAT NAME: what the other took by what this one took.
by() { figure 1/1 "$1" "other-$2" "this-$2"; }

pairs_one() {
  local t
  pair_heading one "processor time"
  for t in "${programs[@]}" "${made[@]}"; do
    pair "run-$t" run -q --jobs 1 --csv - "${path[t]}"
    pair "memory-$t" run -q --jobs 1 --csv - "${path[t]}" --memory 4M
  done
  race
  for t in "${programs[@]}" "${made[@]}"; do
    row "${label[t]}" "one configuration" "" "$(by cpu "run-$t")"
    row "${label[t]}" "one configuration with 4 MiB of memory" "" "$(by cpu "memory-$t")"
  done
  row "${label[t]}" "peak memory of one configuration" "" "$(by peak "run-$t")"
}

pairs_sweep() {
  local t
  pair_heading sweep "processor time"
  for t in "${few[@]}" "${made[@]}"; do pair_sweep "sweep-$t" "${path[t]}" "$work/exact.yaml"; done
  race
  for t in "${few[@]}" "${made[@]}"; do row "${label[t]}" "exact sweep" "" "$(by cpu "sweep-$t")"; done
  row "${label[t]}" "peak memory of the exact sweep" "" "$(by peak "sweep-$t")"
}

pairs_engine() {
  local t choice
  pair_heading engine "processor time"
  for t in "${few[@]}"; do
    for choice in auto direct; do pair_sweep "$choice-$t" --engine $choice "${path[t]}" "$work/moderate.yaml"; done
  done
  race
  for t in "${few[@]}"; do
    row "${label[t]}" "moderate sweep in one pass" "" "$(by cpu "auto-$t")"
    row "${label[t]}" "moderate sweep, --engine direct" "" "$(by cpu "direct-$t")"
  done
}

pairs_convert() {
  local text
  pair_heading convert "processor time"
  convert_inputs $((length / 4)) $((length / 4))
  conversions pair
  race
  for text in "$work"/text/*; do row "$(basename "$text")" "conversion" "" "$(by cpu "$(basename "$text")")"; done
  row "ChampSim, plain" "conversion" "" "$(by cpu champsim)"
  rm -rf "$work/text" "$work/champsim"
}

pair_of_recordings() {
  recorded+=("$1")
  pair "$1" record -q --first -o "$work/record/out.pwt" -- "${@:3}"
}

pairs_record() {
  local name recorded=()
  pair_heading record "processor time, and time that passes,"
  { can_record "$pagewalk" && can_record "$other"; } || return 0
  make_record_inputs
  recorded_programs pair_of_recordings
  race
  for name in "${recorded[@]}"; do
    row "$name" "recording" "" "$(by cpu "$name")"
    row "$name" "recording, time that passes" "" "$(by elapsed "$name")"
  done
}
