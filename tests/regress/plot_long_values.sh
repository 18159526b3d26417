# Values as long as a file likes them: a chart shows where they were cut, and nothing is overrun. Two traces whose
# names are cut alike have charts of their own. Needs gnuplot.
set -u
command -v gnuplot >/dev/null || { echo "gnuplot is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }

long=$(printf 'Q%.0s' $(seq 5000))
wide=$(printf 'é%.0s' $(seq 3000))
head='trace,page_bytes,table,levels,itlb_entries,itlb_ways,itlb_policy,dtlb_entries,dtlb_ways,dtlb_policy,stlb_entries,stlb_ways,stlb_policy,memory_bytes,memory_policy,accesses,fetches,loads,stores,itlb_misses,dtlb_misses,stlb_lookups,stlb_misses,walks,walk_refs,itlb_miss_rate,dtlb_miss_rate,stlb_miss_rate,walk_rate,minor_faults,major_faults,fault_rate,swap_outs,resident_bytes,table_bytes,table_overhead'
# rows VALUE PLACE: six rows; column PLACE holds VALUE in half of them
rows() {
  echo "$head"
  for entries in 16 32 64; do
    for odd in 0 1; do
      echo "t,4096,x86-64,4,64,8,lru,$entries,4,lru,1536,12,lru,unlimited,,1000,$entries,4,5,6,7,8,9,$entries,$((entries + odd)),0.0$entries,0.$entries,0.1,0.$odd$entries,3,4,0.$entries,2,$entries,$((entries * 3)),0.1"
    done
  done | awk -F, -v OFS=, -v value="$1" -v place="$2" 'NR % 2 == 0 { $place = value } 1'
}
for place in 1 2 3 8 10 15; do
  rows "$([ "$place" -gt 2 ] && echo "$wide" || echo "$long")" "$place" >in.csv
  "$PAGEWALK" plot in.csv -o "charts$place" --chart tlb-miss-rate --format terminal >out 2>said
  status=$?
  ((status <= 1)) || fail "column $place: status $status: $(head -c 300 said)"
done
rows "$long" 2 >in.csv
"$PAGEWALK" plot in.csv -o pages >out 2>said || fail "long page sizes: $(head -c 300 said)"
cat pages/*.svg | grep -q 'QQQ…' || fail "no chart shows that a label was cut"
{
  echo 'trace,by,owner,object,accesses,itlb_misses,dtlb_misses,walks,minor_faults,major_faults'
  for middle in a b c; do echo "a-name-that-is-longer-than-a-chart-$middle-has-room-for-at-its-top,object,$long,$wide,1,0,20,10,1,1"; done
} >owners.csv
"$PAGEWALK" plot owners.csv -o owners >out 2>said || fail "owners: $(head -c 300 said)"
[ "$(find owners -name '*.svg' | wc -l)" -eq 3 ] || fail "three traces, but $(ls owners)"
exit $((failures > 0))
