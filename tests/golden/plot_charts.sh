#!/bin/bash
# From a trace with a name that looks like a command to charts: the standard set, one of it, a
# free one, and what is said when they cannot be drawn.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAIL: $1"; exit 1; }

name='it'"'"'s `touch ran-1` $(touch ran-2) 100%s.din'
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%d %x\n", i % 3, (i % 3 == 2 ? 4194304 + (i % 5) * 4096 : (i * 7919 % 400) * 4096) }' > "$name"
awk 'BEGIN { for (i = 0; i < 9000; i++) printf "%d %x\n", i % 2, (i * 31 % 90) * 4096 }' > 'a, "b".din'

"$PAGEWALK" sweep "$name" 'a, "b".din' --format din --dtlb '16..256*2:2,4,full' --page-size 4K,2M --memory unlimited \
  -o out -q || fail "sweep"
"$PAGEWALK" sweep "$name" 'a, "b".din' --format din --memory '128K..2M*2' --memory-policy lru,fifo --levels 1..4 \
  -o more -q --no-charts || fail "sweep with memory"

"$PAGEWALK" plot out/results.csv more/results.csv -o charts > drawn 2> left-out || fail "plot"
for chart in tlb-miss-rate tlb-heatmap table-bytes table-overhead fault-rate swap-outs memory-policies traces machines; do
  grep -qx "charts/$chart.svg" drawn || fail "$chart was not drawn: $(cat left-out)"
  grep -q '</svg>' "charts/$chart.svg" || fail "$chart is not whole"
done
grep -q 'tlb-policies' left-out || fail "no reason for tlb-policies"
grep -qF "it's \`touch ran-1\`" charts/traces.svg || fail "the name of the trace is not on the chart"
[ -e ran-1 ] || [ -e ran-2 ] && fail "a name was run as a command"

"$PAGEWALK" plot out/results.csv --chart tlb-miss-rate --format terminal > text || fail "terminal"
grep -q 'DTLB miss rate by TLB size and page size' text || fail "no title in the text chart"
grep -q '16 .* 256' text || fail "no sizes along the text chart"

"$PAGEWALK" plot out/results.csv -o free --x dtlb_entries --y walk_rate --by page_bytes -q > /dev/null || fail "free chart"
[ "$(ls free)" = walk_rate-by-dtlb_entries-and-page_bytes.svg ] || fail "free chart's name: $(ls free)"

"$PAGEWALK" curve 'a, "b".din' --format din --of dtlb --csv curve.csv -q || fail "curve"
"$PAGEWALK" plot out/results.csv curve.csv -o both -q > /dev/null || fail "results.csv and curve.csv together"
grep -q 'fully associative LRU' both/dtlb-curve.svg || fail "no curve beside the results"
grep -Eq 'page table|:full' both/dtlb-curve.svg && fail "a curve tells of a machine that it has not"
grep -q 'trace a, ' both/dtlb-curve.svg || fail "a chart of one trace does not name it"
grep -q 'trace a, ' both/tlb-miss-rate.svg && fail "a chart of two traces names one"

PAGEWALK_GNUPLOT=$work/missing/gnuplot "$PAGEWALK" plot out/results.csv -o none > /dev/null 2> said
[ $? = 1 ] || fail "exit without gnuplot"
grep -q 'install gnuplot' said || fail "no advice without gnuplot: $(cat said)"
[ -z "$(ls none 2> /dev/null)" ] || fail "something was left behind without gnuplot"

{ sed -n 1,3p out/results.csv; sed -n 4p out/results.csv | cut -d, -f1-20; } > cut.csv
"$PAGEWALK" plot cut.csv -o cut > /dev/null 2> said
[ $? = 1 ] || fail "exit for a cut CSV"
grep -q 'cut.csv, line [0-9]*: [0-9]* fields' said || fail "a cut CSV: $(cat said)"
