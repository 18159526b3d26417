# Charts of owners and maps: names from outside are only names, files of several traces and kinds, nothing to draw. Needs gnuplot.
set -u
command -v gnuplot >/dev/null || { echo "gnuplot is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }

head_of_owners='trace,by,owner,object,accesses,itlb_misses,dtlb_misses,walks,minor_faults,major_faults'
{
  echo "$head_of_owners"
  echo 'a.pwt,symbol,`touch ran1`,/usr/lib/x;touch ran2,,0,50,40,3,0'
  echo 'a.pwt,symbol,"@M ""q"" \n {/Bold x} $(touch ran3)",/bin/p,,0,30,20,2,0'
  printf 'a.pwt,symbol,"%s",/bin/p,,1,20,10,1,1\n' "std::map<int, std::vector<std::string> >::operator[](int const&) [clone .constprop.0] very long"
  for i in $(seq 30); do echo "a.pwt,symbol,s$i,/bin/p,,0,$i,$i,0,0"; done
  echo "a.pwt,symbol,[root tables],[root tables],,0,0,0,0,0"
} >owners.csv
"$PAGEWALK" plot owners.csv -o one >out 2>said || fail "owners: $(cat said)"
[ "$(cat out)" = one/top-owners.svg ] || fail "it drew $(cat out)"
for text in 'touch ran1' 'touch ran3' '18 others'; do grep -qF -- "$text" one/top-owners.svg || fail "'$text' is not on the chart"; done
grep -qF 'root tables' one/top-owners.svg && fail "an owner of nothing is on the chart"
[ -z "$(find . -name 'ran*')" ] || fail "a name ran: $(find . -name 'ran*')"

{
  echo 'trace,counted,process,region,address,bytes,first_access,accesses,misses'
  echo 'a.pwt,walks,0,`touch ran4` r-x,0x400000,4096,0,64,3'
  echo 'a.pwt,walks,0,`touch ran4` r-x,0x401000,4096,64,64,300'
  echo 'a.pwt,walks,0,[heap],0x7f0000001000,4096,64,64,1'
  echo 'b.pwt,faults,0,[heap],0x7f0000001000,4096,0,64,1'
} >heat.csv
"$PAGEWALK" plot owners.csv heat.csv -o two >out 2>said || fail "both files: $(cat said)"
[ "$(sort out | tr '\n' ' ')" = 'two/heat-a.svg two/heat-b.svg two/top-owners.svg ' ] || fail "it drew $(cat out)"
grep -qF 'touch ran4' two/heat-a.svg && grep -qF 'page faults' two/heat-b.svg || fail "the maps lack their words"
[ -z "$(find . -name 'ran*')" ] || fail "a name ran: $(find . -name 'ran*')"
"$PAGEWALK" plot owners.csv --format terminal >out 2>said && grep -q '18 others' out || fail "in characters: $(cat out said)"
"$PAGEWALK" plot heat.csv --format terminal >out 2>said && fail "a map in characters"
grep -q 'pixels' said || fail "what it says of a map in characters: $(cat said)"

for access in -6400000 nan inf 1e300; do # once a place outside the map, and written to
  { head -n 2 heat.csv; echo "a.pwt,walks,0,[heap],0x1000,4096,$access,64,1"; } >wild.csv
  "$PAGEWALK" plot wild.csv -o wild >out 2>said && fail "a map of access $access"
  grep -q 'first_access' said || fail "what it says of access $access: $(cat said)"
done
{ head -n 2 heat.csv; echo "a.pwt,walks,0,[heap],0x1000,4096,9223372036854775000,1,1"; } >far.csv
"$PAGEWALK" plot far.csv -o far >out 2>said || fail "a map of the last access: $(cat said)"

{ echo "$head_of_owners"; echo 'a.pwt,object,[heap],[heap],5,0,0,0,0,0'; } >nothing.csv
"$PAGEWALK" plot nothing.csv -o three >out 2>said && fail "a chart of nothing: $(cat out)"
grep -q 'missed or faulted' said || fail "what it says of nothing: $(cat said)"
exit $((failures > 0))
