# shellcheck shell=bash disable=SC2154 # the variables are those of scripts/bench
# Part of scripts/bench: a function for each section. Every figure is a line; docs/bench.md explains them.

section_thousand() {
  local t n
  heading thousand "the processor time of more configurations of the same kind, one core"
  for t in "${few[@]}"; do
    sweep 10 --jobs 1 --stlb none "${path[t]}" --dtlb "$(dtlbs 2 16..256)"
    sweep 100 --jobs 1 --stlb none "${path[t]}" --dtlb "$(dtlbs 10 16..256)" --table "$(tables 2)"
    sweep 1000 --jobs 1 --stlb none "${path[t]}" --dtlb "$(dtlbs 20 16..256)" --table "$(tables 10)"
    sweep 10000 --jobs 1 --stlb none "${path[t]}" --dtlb "$(dtlbs 50 16..256)" --table "$(tables 40)"
    race
    row "${label[t]}" "1000 configurations for each 100" "<= 1.3" "$(figure 1/1 cpu 1000 100)"
    row "${label[t]}" "10000 configurations for each 100" "" "$(figure 1/1 cpu 10000 100)"
    for n in 10 100 1000 10000; do
      row "${label[t]}" "ns a visit with $n configurations" "" "$(figure "1e9/${visits[t]}" cpu $n)"
    done
  done
}

section_engine() {
  local t choice one_pass
  heading engine "one configuration after the other (--engine direct) by the one pass, processor time"
  for t in "${few[@]}"; do
    for choice in auto direct; do sweep $choice --jobs 1 --engine $choice "${path[t]}" "$work/moderate.yaml"; done
    race
    one_pass=$(grep -cE ',one-pass(,|\r?$)' "$work/out/auto/results.csv") || true
    ! grep -qE ',one-pass(,|\r?$)' "$work/out/direct/results.csv" || die "--engine direct did not take effect"
    row "${label[t]}" "direct for each one-pass ($one_pass of $(($(wc -l <"$work/out/auto/results.csv") - 1)) rows)" "" \
      "$(figure 1/1 cpu direct auto)"
    for choice in auto direct; do
      sed -E 's/,(one-pass|direct)(,|\r?$)/,\2/' "$work/out/$choice/results.csv" >"$work/$choice.csv"
    done
    same "${label[t]}: results of the two engines" "$work/auto.csv" "$work/direct.csv"
  done
}

section_jobs() {
  local t all=() target='>= 1.7'
  heading jobs "time that passes with one job by that with two"
  if [ "$(nproc)" -lt 2 ]; then target='' && echo "(one processor here: nothing to gain)"; fi
  for t in "${programs[@]}"; do all+=("${path[t]}"); done
  sweep all1 --jobs 1 "${all[@]}" "$work/exact.yaml"
  sweep all2 --jobs 2 "${all[@]}" "$work/exact.yaml"
  race
  row "sweep of all programs" "times as fast" "$target" "$(figure 1/1 elapsed all1 all2)"
  same "sweep of all programs: results of one and of two jobs" "$work"/out/all[12]/results.csv
  for t in "${few[@]}"; do
    sweep single1 --jobs 1 "${path[t]}" "$work/exact.yaml"
    sweep single2 --jobs 2 "${path[t]}" "$work/exact.yaml"
    race
    row "sweep of ${label[t]} alone" "times as fast" "$target" "$(figure 1/1 elapsed single1 single2)"
    same "sweep of ${label[t]} alone: results of one and of two jobs" "$work"/out/single[12]/results.csv
  done
}

section_growth() {
  local kind what first=${#path[@]}
  heading growth "a trace ten times as long over the same 64 MiB, one core"
  for kind in mixed random; do
    generate "$kind-1" $kind $((length / 4)) 67108864
    generate "$kind-10" $kind $((length * 10 / 4)) 67108864
  done
  for ((t = first; t < ${#path[@]}; t++)); do
    queue "run-${label[t]}" "$pagewalk" run -q --jobs 1 --csv - "${path[t]}"
    sweep "sweep-${label[t]}" --jobs 1 "${path[t]}" "$work/exact.yaml"
  done
  race
  for kind in mixed random; do
    for what in run sweep; do
      row "$kind, $what" "time by a tenth of the longer one's" "<= 1.1" "$(figure 1/10 cpu $what-$kind-10 $what-$kind-1)"
    done
    for what in run sweep; do
      row "$kind, $what" "peak memory by the shorter one's" "<= 1.1" "$(figure 1/1 peak $what-$kind-10 $what-$kind-1)"
    done
  done
}

# rates NAME NS MILLIONS: the rows of one and sweep; NAME-N was the command on trace N.
rates() {
  local t all=()
  for t in "${programs[@]}" "${made[@]}"; do
    row "${label[t]}" "ns a visit" "<= $2" "$(figure "1e9/${visits[t]}" cpu "$1-$t")"
  done
  for t in "${programs[@]}"; do
    all+=("$(figure "${accesses[t]}/1e6" rate "$1-$t")")
    row "${label[t]}" "M accesses/s" ">= $3" "${all[-1]}"
  done
  row "median of the programs" "M accesses/s" ">= $3" "$(printf '%s\n' "${all[@]% *}" | middle | cut -d ' ' -f 1)"
  for t in "${made[@]}"; do row "${label[t]}" "M accesses/s" "" "$(figure "${accesses[t]}/1e6" rate "$1-$t")"; done
}

section_one() {
  local t
  heading one "one configuration from .pwt: two levels of TLBs, page tables, memory; processor time"
  for t in "${programs[@]}" "${made[@]}"; do queue "one-$t" "$pagewalk" run -q --jobs 1 --csv - "${path[t]}"; done
  race
  rates one 10 400
}

section_system() {
  local t pages four=() target='>= 1.7' lists=(--thp never,always --quantum 10K,100K,1M,10M,100M)
  local same=(--thp never,always --asid off,2,6,64,on)
  heading system "up to four programs on one computer of 1 GiB, two levels of TLBs"
  if [ "$(nproc)" -lt 2 ]; then target=''; fi
  for t in "${programs[@]:0:4}"; do four+=("${path[t]}"); done
  queue each "$pagewalk" run -q --jobs 1 --csv - "${four[@]}"
  queue together "$pagewalk" system -q --jobs 1 --csv - --memory 1G "${four[@]}"
  # what they have at most of their own, and 80 % of it
  pages=$("$pagewalk" system -q --csv - --memory 1G --thp never "${four[@]}" |
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR == 2 { print int(($c["anon_bytes"] + $c["table_bytes"]) / 4096) }')
  queue limited "$pagewalk" system -q --jobs 1 --csv - --memory 2G --thp never --swap 1G --group-limit $((pages * 8 / 10 * 4))K "${four[@]}"
  queue ten "$pagewalk" system -q --jobs 1 --csv - --memory 1G "${lists[@]}" "${four[@]}"
  queue same "$pagewalk" system -q --jobs 1 --csv - --memory 1G "${same[@]}" "${four[@]}"
  queue same2 "$pagewalk" system -q --jobs 2 --csv - --memory 1G "${same[@]}" "${four[@]}"
  queue ten2 "$pagewalk" system -q --jobs 2 --csv - --memory 1G "${lists[@]}" "${four[@]}"
  race
  row "${#four[@]} programs" "processor time by that of run on each" "<= 4" "$(figure 1/1 cpu together each)"
  row "${#four[@]} programs" "the same in a group with 80 % of their memory, and swap" "<= 6" "$(figure 1/1 cpu limited each)"
  row "${#four[@]} programs" "ten configurations of one quantum by one, processor time" "<= 8" "$(figure 1/1 cpu same together)"
  row "${#four[@]} programs" "the same, times as fast with two jobs" "$target" "$(figure 1/1 elapsed same same2)"
  row "${#four[@]} programs" "ten configurations of five quanta by one, processor time" "<= 8" "$(figure 1/1 cpu ten together)"
  row "${#four[@]} programs" "the same, times as fast with two jobs" "$target" "$(figure 1/1 elapsed ten ten2)"
}

section_sweep() {
  local t
  heading sweep "the exact sweep: set-associative, full, memory, page sizes, page tables; processor time"
  for t in "${programs[@]}" "${made[@]}"; do sweep "exact-$t" --jobs 1 "${path[t]}" "$work/exact.yaml"; done
  race
  rates exact 40 150
}

section_footprint() {
  local bytes t base=${#path[@]}
  heading footprint "data used at random: speed and peak memory against the memory touched, one core"
  for bytes in 65536 "${footprints[@]}"; do generate "$((bytes / 1024)) KiB" random $((length / 2)) "$bytes"; done
  for ((t = base; t < ${#path[@]}; t++)); do
    queue "run-$t" "$pagewalk" run -q --jobs 1 --csv - "${path[t]}"
    sweep "sweep-$t" --jobs 1 "${path[t]}" "$work/exact.yaml"
  done
  race
  for ((t = base; t < ${#path[@]}; t++)); do
    row "${label[t]}, run" "ns a visit" "" "$(figure "1e9/${visits[t]}" cpu "run-$t")"
    row "${label[t]}, sweep" "ns a visit" "" "$(figure "1e9/${visits[t]}" cpu "sweep-$t")"
  done
  # The largest, less the smallest, for each distinct page. The sweep keeps two stacks (data, and all) of
  # each page size, of which those of 2 MiB and 1 GiB hold 1/512 and 1/262144 as many pages.
  t=$((${#path[@]} - 1))
  row "${label[t]}, run" "bytes a distinct page" "<= 64" "$(more_memory run "$base" "$t" "${data_pages[t]}")"
  row "${label[t]}, sweep" "bytes a distinct page and stack" "<= 64" \
    "$(more_memory sweep "$base" "$t" $((2 * (data_pages[t] + data_pages[t] / 512 + data_pages[t] / 262144))))"
}

# more_memory WHAT BASE TRACE N: bytes that WHAT needs for the one trace above those for the other, by N.
more_memory() {
  awk -v n="$4" '{ print ($1 > $3 ? $1 - $3 : 0) / n }' \
    <<<"$(figure 1024/1 peak "$1-$3") $(figure 1024/1 peak "$1-$2")"
}

# texts N: Lackey texts of real programs, and a made-up one of N accesses, as $work/text/LABEL.
texts() {
  local file
  mkdir "$work/text"
  "$bench_trace" mixed lackey "$1" >"$work/text/mixed (made up)"
  for file in "$root"/traces/samples/*.lackey.* "${lackey[@]}"; do
    [ -e "$file" ] || die "there is no $file"
    decompress "$file" | awk -v most="$text_lines" 'NR <= most' >"$work/text/$(basename "$file" | sed 's/\..*//')"
  done
}

# convert_inputs N M: texts of N accesses or more and their compressed copies as $work/text/*, M ChampSim records as
# $work/champsim. Short texts are repeated, so that the time is not that of starting.
convert_inputs() {
  local text i
  texts "$1"
  for text in "$work"/text/*; do
    for ((i = 1; $(stat -c %s "$text") < text_bytes && i < 12; i++)); do cat "$text" "$text" >"$work/twice" && mv "$work/twice" "$text"; done
    ! command -v zstd >/dev/null || zstd -qk "$text"
  done
  command -v zstd >/dev/null || echo "(zstd is not installed: nothing is said of compressed text)"
  "$bench_trace" mixed champsim "$2" >"$work/champsim"
}

# conversions DO: calls DO NAME OPTION... for the conversion of each input.
conversions() {
  local text
  for text in "$work"/text/*; do "$1" "$(basename "$text")" convert -q --format lackey "$text" -o "$work/out.pwt"; done
  "$1" champsim convert -q --format champsim "$work/champsim" -o "$work/out.pwt"
}

# alone NAME OPTION...: queues a command of this build.
alone() { queue "$1" "$pagewalk" "${@:2}"; }

section_convert() {
  local text name records
  heading convert "conversion to .pwt, time that passes"
  convert_inputs $((length / 2)) "$length"
  records=$(($(stat -c %s "$work/champsim") / 64))
  conversions alone
  race
  for text in "$work"/text/*; do
    name=$(basename "$text")
    case $text in
      *.zst) row "$name" "MB of text/s" ">= 350" "$(figure "$(stat -c %s "${text%.zst}")/1e6" speed "$name")" ;;
      *) row "$name, plain" "MB of text/s" ">= 500" "$(figure "$(stat -c %s "$text")/1e6" speed "$name")" ;;
    esac
  done
  row "ChampSim, plain" "M records/s" ">= 30" "$(figure "$records/1e6" speed champsim)"
  rm -rf "$work/text" "$work/champsim"
}

section_size() {
  local t text name all=() level
  heading size "bytes of .pwt"
  for t in "${programs[@]}"; do
    "$pagewalk" convert -q "${path[t]}" -o "$work/out.pwt"
    all+=("$(per_byte "$work/out.pwt" "${accesses[t]}")")
    row "${label[t]}" "bytes an access" "<= 0.05" "${all[-1]}"
  done
  row "median of the programs" "bytes an access" "<= 0.05" "$(printf '%s\n' "${all[@]}" | middle | cut -d ' ' -f 1)"
  for t in "${few[@]}"; do
    "$pagewalk" convert -q "${path[t]}" --level 19 -o "$work/out.pwt"
    row "${label[t]}, --level 19" "bytes an access" "" "$(per_byte "$work/out.pwt" "${accesses[t]}")"
  done
  if ! command -v zstd >/dev/null; then echo "(zstd is not installed: nothing to compare with)" && return; fi
  texts $((length / 40))
  for text in "$work"/text/*; do
    name=$(basename "$text")
    zstd -q -19 "$text" -o "$work/text.zst" -f
    for level in 3 19; do
      "$pagewalk" convert -q --format lackey --level $level "$text" -o "$work/out.pwt"
      row "$name, --level $level" "of its Lackey text under zstd -19" "$([[ $name == *made* ]] || echo '<= 0.5')" \
        "$(per_byte "$work/out.pwt" "$(stat -c %s "$work/text.zst")")"
    done
  done
  rm -rf "$work/text"
}

# per_byte FILE N: the bytes of FILE for each of N.
per_byte() { awk -v bytes="$(stat -c %s "$1")" -v n="$2" 'BEGIN { print bytes / n }'; }
