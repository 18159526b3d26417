# Sweep files: keys, inheritance, patterns relative to the file, the command line on top,
# and errors that name file and line.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir -p 'st[u]dy' && cd 'st[u]dy' && printf '1000 R\n2000 W\n3000 R\n1000 R\n' >a.txt && cp a.txt b.txt && cp a.txt c.dat && cd ..
failed=0
fail() { echo "$1"; failed=1; }

cat >'st[u]dy/s.yaml' <<'Y'
# a study
page-size: 4K,2M
traces: [ "[ab].txt", c.dat ]
seed: 7
sweeps:
  - dtlb: "16..64*2:4"
  - levels: 1..3
    page-size: 4K
  - dtlb: 16:4   # both of these are there already
Y
"$PAGEWALK" sweep -q 'st[u]dy/s.yaml' -o out --no-charts || fail "the sweep file failed"
rows=$(cut -d, -f1-3,8 out/results.csv | tr -d '\r' | tail -n +2)
want=$(for trace in a.txt b.txt c.dat; do
  for page in 4096 2097152; do for entries in 16 32 64; do echo "st[u]dy/$trace,$page,x86-64,$entries"; done; done
  for levels in 1 2 3; do echo "st[u]dy/$trace,4096,$levels-level,64"; done
done)
[ "$rows" = "$want" ] || fail "rows:
$rows
and not
$want"
grep -q '"seed": "7"' out/manifest.json || fail "the seed is not in the manifest"

# The command line replaces top-level keys and traces.
"$PAGEWALK" sweep -q 'st[u]dy/s.yaml' 'st[u]dy/c.dat' --page-size 1G --seed 8 -o over --no-charts || fail "overriding failed"
[ "$(cut -d, -f1,2 over/results.csv | tail -n +2 | sort -u)" = "$(printf 'st[u]dy/c.dat,1073741824\nst[u]dy/c.dat,4096')" ] || fail "overriding: $(cat over/results.csv)"
grep -q '"seed": "8"' over/manifest.json || fail "the seed was not replaced"

cd 'st[u]dy' || exit 1
# refuse 'sentence' 'yaml text'
refuse() {
  printf '%b' "$2" >e.yaml
  "$PAGEWALK" sweep e.yaml -o no 2>err
  code=$?
  [ $code -eq 2 ] || fail "exit $code, not 2: $2"
  grep -qF -- "pagewalk: $1" err || fail "stderr lacks '$1': $2: $(cat err)"
  [ ! -e no ] || fail "a refused sweep left a folder: $2"
}
t='traces: [a.txt]\n'
refuse "e.yaml, line 2: there is no key 'page-sise'; did you mean page-size?" "${t}page-sise: 4K\n"
refuse "e.yaml, line 3: there is no key 'seed'; it applies to all sub-sweeps" "${t}sweeps:\n  - seed: 4\n"
refuse "e.yaml, line 2: a list stands where one text belongs" "${t}page-size: [4K, 2M]\n"
refuse "e.yaml, line 1: a list belongs here" "traces: a.txt\n"
refuse "e.yaml, line 2, traces: no file matches 'nothing*'" "page-size: 4K\ntraces: [nothing*]\n"
refuse "e.yaml, line 3, dtlb: '7q' is not a whole number" "${t}page-size: 4K\ndtlb: 7q\n"
refuse "e.yaml, line 6, dtlb: '9q' is not a whole number" "${t}dtlb: 64\nsweeps:\n  - dtlb: 32\n  - levels: 4\n    dtlb: 9q\n"
refuse "e.yaml, line 2, skip-bad: 'perhaps' is neither on nor off" "${t}skip-bad: perhaps\n"
refuse "e.yaml, line 3: the key 'seed' is given twice" "${t}seed: 1\nseed: 2\n"
refuse "e.yaml, line 2: the key has no value" "${t}dtlb:\n"
refuse "e.yaml, line 3: aliases" "${t}itlb: &x 64\ndtlb: *x\n"
refuse "e.yaml, line 1: there is no key" ""
refuse "e.yaml, line 1: keys and values belong here" "hello\n"
refuse "e.yaml names no traces; add the key traces: " "page-size: 4K\n"
refuse "e.yaml, line 2: no key of this map" "page-size: 4K\n  : : [\n"
refuse "e.yaml, line 1: a '[' is opened and never closed" "traces: [a.txt\nseed: 4\n"
refuse "e.yaml, line 3: a quote is opened" "${t}seed: 4\ndtlb: \"64\n\nlevels: 4\n"
refuse "e.yaml, line 2: no value begins with this character; indent with blanks" "${t}\tdtlb: 64\n"
refuse "e.yaml, line 2: a ': ' stands inside a value" "${t}dtlb: 64: 4\n"
refuse "e.yaml, line 4: no key of this map" "${t}sweeps:\n- dtlb: 4\n levels: 2\n"
refuse "e.yaml, line 3: a ':' is missing after the key" "${t}\ndtlb 64\nseed: 3\n"
refuse "e.yaml, line 2: there is a control character" "${t}seed: \001\n"
refuse "e.yaml, line 2: the text is not UTF-8" "${t}seed: \0377\n"
refuse "e.yaml, line 2: a map stands where one text belongs" "${t}seed: {a: b}\n"
refuse "e.yaml, line 2: there is no key 'output'; give it on the command line as -o" "${t}output: o\n"
refuse "e.yaml, line 2: there is no key 'force'; give it on the command line as --force" "${t}force: on\n"
exit $failed
