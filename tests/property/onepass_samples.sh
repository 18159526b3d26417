#!/usr/bin/env bash
# Every sample through one pass and through the direct engine: the same rows in every column but engine, and
# the same bytes for any number of jobs. Needs $PAGEWALK, $PW_SOURCE and $PW_BUILD.
# Longer runs: ONEPASS_LIMIT=1G onepass_samples.sh takes the samples whole.
set -euo pipefail
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?the source folder}" "${PW_BUILD:?the build folder}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

limit=2500K warmup=100K
sanitized=no
if grep -q '^PW_SANITIZE:[^=]*=.' "$PW_BUILD/CMakeCache.txt"; then sanitized=yes limit=150K warmup=30K; fi
limit=${ONEPASS_LIMIT:-$limit}

samples=("$PW_SOURCE"/traces/samples/*.{pwt,lackey.*})
if [ ! -e "${samples[0]}" ] || [ "${#samples[@]}" -lt 10 ]; then
  echo "few samples in $PW_SOURCE/traces/samples"
  exit 1
fi

sweep() { # FOLDER OPTIONS...
  local folder=$dir/$1
  shift
  "$PAGEWALK" sweep -q --no-charts -o "$folder" --limit "$limit" "$@"
}

# One pass must answer what it can: LRU throughout, and the memory unlimited, or no second level and no page
# touched in two ways: the samples have none at 4 KiB that is both fetched and loaded or stored, but
# buffers that the kernel touches too.
demand() { # CSV KERNEL
  awk -F, -v kernel="$2" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["itlb_policy"] $at["dtlb_policy"] $at["stlb_policy"] !~ /^(lru)*$/ { next }
    $at["memory_bytes"] != "unlimited" {
      if ($at["memory_policy"] != "lru") next
      tlbs = $at["itlb_entries"] + $at["dtlb_entries"] + $at["stlb_entries"]
      if (tlbs && (kernel || $at["stlb_entries"] || $at["page_bytes"] != 4096)) next
    }
    { due++ }
    $at["engine"] != "one-pass" && ++missing <= 5 { print "one pass could answer this row, and did not: " $0 }
    END { exit !due || missing }' "$1"
}

same() { # NAME OPTIONS...: both engines, and one and two jobs
  local name=$1 kernel=yes
  shift
  case " $* " in *" --ignore kernel "* | *" --only fetch "*) kernel= ;; esac
  sweep "$name.direct" --engine direct --jobs 2 "$@"
  sweep "$name.1" --engine auto --jobs 1 "$@"
  sweep "$name.2" --engine auto --jobs 2 "$@"
  if ! cmp "$dir/$name.1/results.csv" "$dir/$name.2/results.csv"; then
    echo "FAIL $name: --jobs 2 changes results.csv"
    failed=1
  fi
  if ! cmp "$dir/$name.1/manifest.json" "$dir/$name.2/manifest.json"; then
    echo "FAIL $name: --jobs 2 changes manifest.json"
    failed=1
  fi
  # the engine is the last column
  if [ "$(head -n 1 "$dir/$name.1/results.csv" | sed 's/.*,//')" != engine ]; then
    echo "FAIL $name: engine is not the last column"
    failed=1
  fi
  if grep -q ',one-pass$' "$dir/$name.direct/results.csv"; then
    echo "FAIL $name: --engine direct has rows from one pass"
    failed=1
  fi
  sed 's/,[^,]*$//' "$dir/$name.1/results.csv" > "$dir/one"
  sed 's/,[^,]*$//' "$dir/$name.direct/results.csv" > "$dir/direct"
  if ! diff "$dir/direct" "$dir/one" > "$dir/diff"; then
    echo "FAIL $name: sweep $* --limit $limit"
    head -n 1 "$dir/direct"
    head -n 20 "$dir/diff"
    failed=1
  fi
  if ! demand "$dir/$name.1/results.csv" "$kernel"; then
    echo "FAIL $name: rows that were due from one pass"
    failed=1
  fi
  echo "$name: $(($(wc -l < "$dir/one") - 1)) rows, $(grep -c ',one-pass$' "$dir/$name.1/results.csv" || true) of them from one pass"
}

if [ "$sanitized" = yes ]; then
  same tlbs "${samples[@]}" --page-size 4K,2M --itlb '64:8' --dtlb '16..256*4:1,4,full;96:3' --stlb 'none;1536:12'
  same memories "${samples[@]}" --page-size 4K --itlb '16:4' --dtlb '64:4,full' --stlb none --memory 8K,256K,16M \
    --ignore kernel
else
  same tlbs "${samples[@]}" --page-size 4K,2M,1G --itlb 'none;16:2;64:8' --dtlb 'none;16..1024*4:1,4,full;96:3;1536:12' \
    --stlb 'none;64:1;1536:12'
  same memories "${samples[@]}" --page-size 4K,2M --itlb '16:4;64:full' --dtlb 'none;64:4,full;1024:8' --stlb 'none;512:4' \
    --memory 8K,64K,256K,1M,4M,64M,unlimited --ignore kernel
fi
same kernel "${samples[@]}" --page-size 4K,2M --itlb '16:4' --dtlb '64:4' --stlb none --memory 8K,256K,unlimited
same tables "${samples[@]}" --levels 1..5 --table 'x86-64;arm64-4k' --page-size 4K,2M,1G --dtlb 64:4 --memory 512K,unlimited
same fetches "${samples[@]}" --only fetch --itlb '8..128*2:2,full' --stlb 'none;128:4' --page-size 4K,2M --memory 128K,unlimited
same data "${samples[@]}" --only data --warmup "$warmup" --asid off --dtlb '48:6,full;64:8' --stlb 'none;96:2' \
  --page-size 4K,2M --memory 64K,1M,unlimited
same policies "${samples[0]}" --dtlb '16:4:lru,fifo,plru' --memory 128K,1M,unlimited --memory-policy lru,clock,opt
exit $failed
