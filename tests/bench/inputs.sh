# shellcheck shell=bash disable=SC2154 # the variables are those of scripts/bench
# Part of scripts/bench: the traces and the sweeps that it measures with.
# Reads work, pagewalk, bench_trace, samples, length; fills label, path, visits, accesses, data_pages.

# add LABEL PATH: another trace to measure on; its arrays share an index.
add() {
  local info
  info=$("$pagewalk" info -q --json "$2" 2>"$work/stderr") || die "$(tail -n 1 "$work/stderr")"
  number() { grep -o "\"$1\": [0-9]*" <<<"$info" | head -n 1 | grep -o '[0-9]*$'; }
  label+=("$1")
  path+=("$2")
  visits+=("$(number visits)")
  accesses+=("$(number accesses)")
  data_pages+=("$(number data_pages)")
}

# generate LABEL KIND ACCESSES [FOOTPRINT_BYTES]: a made-up trace, added.
generate() {
  "$bench_trace" "$2" lackey "${@:3}" | "$pagewalk" convert -q - -o "$work/$1.pwt" || die "the trace '$1' cannot be made"
  add "$1" "$work/$1.pwt"
}

# The traces that sections share: those of programs, a few of them, and made-up ones.
make_traces() {
  local file name
  for file in "${samples[@]}"; do
    name=$(basename "$file")
    if [[ $name != *.pwt ]]; then
      "$pagewalk" convert -q "$file" -o "$work/${#path[@]}.pwt" || die "the trace $file cannot be read"
      file=$work/${#path[@]}.pwt
    fi
    case $name in bfs.pwt | cc1.pwt | sqlite3.pwt) few+=("${#path[@]}") ;; esac
    programs+=("${#path[@]}")
    name=${name%.pwt}
    add "${name%.lackey*}" "$file"
  done
  [ ${#few[@]} -gt 0 ] || few=("${programs[@]:0:3}")
  for name in local mixed random; do
    made+=("${#path[@]}")
    generate "$name (made up)" "$name" "$length"
  done
}

decompress() {
  case $1 in
    *.zst) zstd -qdc -- "$1" ;;
    *.xz) xz -qdc -- "$1" ;;
    *.gz) gzip -qdc -- "$1" ;;
    *) cat -- "$1" ;;
  esac
}

# dtlbs WAYS LO..HI: TLBs of LO, 2 LO … HI sets with 1 to WAYS ways.
dtlbs() {
  local way lo=${2%%..*} hi=${2##*..} spec=
  for ((way = 1; way <= $1; way++)); do spec+="${spec:+;}$((way * lo))..$((way * hi))*2:$way"; done
  echo "$spec"
}

# tables N: N of up to 40 page tables: x86-64, and others for 48 bits, of three and two levels.
tables() {
  local i list=x86-64
  for ((i = 1; i < $1; i++)); do
    if ((i <= 20)); then list+=";$i,12,$((24 - i))+12:8"; else list+=";$((i - 11)),$((47 - i))+12:8"; fi
  done
  echo "$list"
}

write_sweeps() {
  # Every TLB of 16 to 1024 sets and up to 16 ways, fully associative ones, memories, page tables.
  cat >"$work/exact.yaml" <<EOF
page-size: 4K,2M,1G
itlb: none
stlb: none
sweeps:
  - dtlb: "$(dtlbs 16 16..1024)"
  - dtlb: "1..16,24..64+8,96..256+32,512..65536*2:full"
  - dtlb: none
    memory: 64K..64G*2
  - dtlb: none
    levels: 1..5
  - dtlb: none
    table: "x86-64;x86-64-la57;12,12,12+12:8;18,18+12:8;6,10,10,10+12:8"
EOF
  # The same kinds, but so few that simulating each of them is no wait.
  cat >"$work/moderate.yaml" <<EOF
page-size: 4K,2M
stlb: none
sweeps:
  - dtlb: 16..1024*2:1,2,4,8,full
  - dtlb: 64:4
    levels: 1..5
  - itlb: none
    dtlb: none
    memory: 1M..256M*4
EOF
}

# sweep NAME OPTION...: queues a sweep that leaves its results in $work/out/NAME.
sweep() { queue "$1" "$pagewalk" sweep -q --no-charts --force -o "$work/out/$1" "${@:2}"; }

