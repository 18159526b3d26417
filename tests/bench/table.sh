# shellcheck shell=bash disable=SC2154 # the variables are those of scripts/bench
# Part of scripts/bench: runs commands in turns, and prints what they took as lines of a table.
# Reads work, runs, measure, version, machine and compiler; counts in met, missed and different.

# queue NAME COMMAND...: a command for the next race.
queue() {
  queued+=("$1")
  : >"$work/took/$1"
  printf '%s\0' "${@:2}" >"$work/queue/$1"
}

# Runs the queued commands in turns, so that all of them meet the same disturbances; every other turn backwards, so
# that none gains by what always comes before it.
race() {
  local round name command turn back=()
  for name in "${queued[@]}"; do back=("$name" "${back[@]}"); done
  for ((round = 0; round < runs; round++)); do
    turn=("${queued[@]}")
    [ $((round % 2)) -eq 0 ] || turn=("${back[@]}")
    for name in "${turn[@]}"; do
      mapfile -d '' -t command <"$work/queue/$name"
      "$measure" "${command[@]}" 3>>"$work/took/$name" >/dev/null 2>"$work/stderr" </dev/null ||
        die "this does not run: ${command[*]@Q}: $(tail -n 1 "$work/stderr")"
    done
  done
  queued=()
}

# The median of the numbers read, and, of several, the distance of their extremes in percent of it.
middle() {
  sort -g | awk '{ v[NR] = $1 } END {
    m = (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2
    printf (NR > 1 ? "%.9g %.0f\n" : "%.9g\n"), m, 100 * (v[NR] - v[1]) / (m ? m : 1) }'
}

# figure A/B WHAT NAME [OTHER]: the middle over the rounds of A/B times what NAME took (for each that OTHER took).
# WHAT is cpu or elapsed (seconds), peak (KiB), or rate: 1 by cpu, speed: 1 by elapsed.
figure() {
  paste -d ' ' "$work/took/$3" "$work/took/${4:-$3}" | awk -v scale="$1" -v what="$2" -v pair="${4:+1}" '
    BEGIN { split(scale, s, "/"); column = what ~ /cpu|rate/ ? 1 : what == "peak" ? 3 : 2 }
    { x = ($column + 1e-9) / (pair ? $(column + 3) + 1e-9 : 1)
      print s[1] / s[2] * (what ~ /rate|speed/ ? 1 / x : x) }' | middle
}

heading() {
  section=$1
  printf '\n%s: %s\n%9s %9s %7s  %-9s %s\n' "$1" "${2//[[:cntrl:]]/?}" "of target" measured spread target ""
}

# row WHAT UNIT TARGET 'MEASURED [SPREAD]': TARGET is '<= N', '>= N' or ''.
row() {
  local measured spread text of verdict field line=
  read -r measured spread <<<"$4"
  [[ $measured =~ ^[0-9] ]] || die "no figure came out for: $1: $2"
  read -r text of verdict < <(awk -v target="$3" -v x="$measured" 'BEGIN {
    split(target, t)
    of = t[1] == "<=" ? t[2] / (x > 1e-9 ? x : 1e-9) : x / (t[1] ? t[2] : 1)
    text = sprintf(x >= 1000 ? "%.0f" : "%.3g", x)
    if (target == "") print text
    else print text, sprintf(of < 1 ? "%.3f" : "%.2f", of), (of >= 1 ? "met" : "missed") }')
  printf '%9s %9s %7s  %-9s %-7s %s\n' "${of:+${of}x}" "$text" "${spread:+$spread %}" "$3" "$verdict" "${1//[[:cntrl:]]/?}: $2"
  case $verdict in met) met=$((met + 1)) ;; missed) missed=$((missed + 1)) ;; esac
  for field in "$section" "$1" "$2" "$measured" "$spread" "$3" "$of" "$verdict" "$version" "$machine" "$compiler"; do
    line+=${line:+,}\"${field//\"/\"\"}\"
  done
  echo "$line" >>"$work/figures.csv"
}

# same WHAT FILE OTHER: a line that says whether two results are equal, which they must be.
same() {
  local verdict=same
  cmp -s "$2" "$3" || verdict=DIFFER
  [ $verdict = same ] || different=$((different + 1))
  printf '%9s %9s %7s  %-9s %-7s %s\n' '' '' '' '' $verdict "${1//[[:cntrl:]]/?}"
}
