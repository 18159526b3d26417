# Validating: the model has the kernel's page tables exactly and its faults within 2 %, the report says
# what the options promise, and nothing is left behind.
set -u
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
programs=$PW_BUILD/tests
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir tmp; export TMPDIR=$dir/tmp
failed=0
fail() { echo "$1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1: $2, and not $3"; }
validate() { timeout 300 "$PAGEWALK" validate "$@"; }
field() { awk -F, -v row="$2" -v column="$3" '$2 == row {print $column}' "$1"; } # the program is quoted where it holds a comma

validate -q -- "$programs/mappings" none >out 2>err
grep -Eq 'forbids|cannot be read|no VmPTE' err && { echo "not possible here: $(cat err)"; exit 77; }

# The numbers. The order of threads is not in our hands, so a second and third try count too.
exact() { # PERCENT PROGRAM ARGUMENTS...
  local percent=$1 try
  shift
  for try in 1 2 3; do
    validate -q --csv csv -- "$@" >out 2>err || { fail "$*: $(cat err)"; return; }
    [ "$(field csv page_table_bytes 3)" = "$(field csv page_table_bytes 4)" ] &&
      awk -v d="$(field csv minor_faults 5)" -v p="$percent" 'BEGIN {exit !(d <= p && d >= -p)}' && return
  done
  fail "$*: $(cat csv)"
}
for what in moves back files heap deep forks populates; do exact 2 "$programs/mappings" $what; done
exact 2 "$programs/validated_sparse"
exact 2 "$programs/validated_threads" 1
exact 2 "$programs/validated_tree" 30000 1000
# Symbols bound at their first call save the processor's registers on the stack: two pages more where it has AMX, which the recorded run's
# processor has not, unless glibc is told to do without XSAVE.
exact 2 true
[ "$(field csv page_table_bytes 3)" -ge 16384 ] && [ "$(field csv minor_faults 3)" -gt 20 ] || fail "numbers too small: $(cat csv)"

# Huge pages: tables and what is mapped 2 MiB at a time are exact, whatever is done to them.
mode=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)
huge() { # MODE WAY: enough that the comparison means something
  local try
  for try in 1 2 3; do
    validate -q --thp "$1" --csv csv -- "$programs/huge" "$2" >out 2>err || { fail "huge $2: $(cat err)"; return; }
    [ "$(field csv page_table_bytes 3)" = "$(field csv page_table_bytes 4)" ] && [ "$(field csv huge_bytes 3)" = "$(field csv huge_bytes 4)" ] &&
      [ "$(field csv own_bytes 3)" = "$(field csv own_bytes 4)" ] && [ "$(field csv huge_bytes 3)" -ge 4194304 ] && return
  done
  fail "huge $1 $2: $(cat csv)"
}
case $mode in
  madvise)
    for way in array sparse rounded unmap discard protect read fork nohuge prctl move; do huge madvise $way; done
    huge always heap
    validate -q --thp always -- "$programs/huge" array | grep -q '^huge-page bytes: measured 14680064, predicted 14680064$' || fail "the report has no huge pages" ;;
  always) huge always array ;;
  *) echo "no huge pages here ($mode)" ;;
esac
validate -q --thp perhaps -- true >out 2>err; same "an unknown mode" $? 2
grep -q "^pagewalk: --thp: 'perhaps' is none of never, madvise, always" err || fail "an unknown mode: $(cat err)"

# The report.
validate -q --areas -o kept.pwt -- "$programs/mappings" heap >out 2>err
same "the status" $? 0
for line in 'page-table bytes: measured [0-9]*, predicted [0-9]*' 'resident peak bytes: measured [0-9]*, predicted' 'minor faults: measured [0-9]*, predicted'; do
  grep -q "^$line" out || fail "the report has no '$line': $(cat out)"
done
grep -q '\[heap\]$' out || fail "--areas shows no heap: $(cat out)"
[ -s kept.pwt ] || fail "-o keeps no recording"
"$PAGEWALK" run -q kept.pwt >/dev/null || fail "the recording cannot be run"
validate -q --json -- "$programs/mappings" heap >json 2>err
grep -q '"page_table_bytes": {"measured": [0-9]*, "predicted": [0-9]*, "difference_percent"' json || fail "--json: $(cat json)"
if command -v python3 >/dev/null; then python3 -m json.tool <json >/dev/null 2>err || fail "--json is no JSON: $(cat err)"; fi
same "the header of --csv" "$(head -n 1 csv | tr -d '\r')" program,quantity,measured,predicted,difference_percent
same "--csv - alone on stdout" "$(validate -q --csv - -- true | wc -l)" 6
same "the program's output" "$(validate -q --csv x.csv --show-output -- echo shown | head -n 1)" shown
validate -q -- echo hidden | grep -q hidden && fail "the program's output shows without --show-output"

# --check: the status tells whether it holds.
validate -q --check 50 -- true >/dev/null 2>err; same "--check 50" $? 0
validate -q --check 0.001 -- "$programs/mappings" keeps >/dev/null 2>err; same "--check on what differs" $? 1
grep -q 'off by more than 0.001' err || fail "--check: $(cat err)"
# What makes the kernel differ and a recording cannot tell is named.
differ=0
while IFS='|' read -r what word; do
  validate -q -- "$programs/mappings" "$what" >out 2>err
  grep -q 'minor faults: .*%)' out || { echo "$what: no difference here"; continue; }
  differ=$((differ + 1))
  grep -q "$word" out || fail "$what is not explained: $(cat out)"
done <<'ROWS'
keeps|not recorded: 1 mremap with MREMAP_DONTUNMAP
shares|not predicted: pages of the 1 writable shared mapping .*, or that a child had brought
discards|predicted, but not so: that 1 write to /dev/null read
ROWS
[ $differ -gt 0 ] || fail "nothing made the kernel differ: the sentence that tells of it may have changed"
validate -q -- true | grep -Eq '^(not |predicted)' && fail "true has nothing to explain"

# How a program ends is not our status; one that becomes another is compared up to there.
validate -- sh -c 'kill -TERM $$' >out 2>err; same "a killed program" $? 0
grep -q 'signal 15' err || fail "a signal is not told: $(cat err)"
validate -- sh -c 'exec true' >out 2>err; same "a program that becomes another" $? 0
grep -q 'executed another' err || fail "an exec is not told: $(cat err)"

# An interrupt ends it in either run: in the recorded one together with the program, as a terminal does, in
# the native one by itself.
mkfifo gate
set -m # so that a background job does not ignore SIGINT, and is a process group
begun() { for _ in {1..300}; do [ -e "$1" ] && return; sleep 0.1; done; fail "no $1"; }
interrupted() { # RUN PROCESS
  kill -INT -- "$2"
  (sleep 20; kill -KILL "$pid") 2>/dev/null & local guard=$!
  wait "$pid" 2>/dev/null; same "the status of an interrupt in the $1 run" $? 1
  kill -- "-$guard"; wait "$guard" 2>/dev/null
  grep -q interrupted err || fail "an interrupt in the $1 run: $(cat err)"
}
waits='if [ -e first ]; then : >second; else : >first; fi; read -r line <gate'
"$PAGEWALK" validate -q -- sh -c "$waits" >out 2>err & pid=$!
begun first; sleep 0.5; interrupted recorded "-$pid"
[ -e second ] && fail "the native run was begun after an interrupt"
rm -f first second
"$PAGEWALK" validate -q -- sh -c "$waits" >out 2>err & pid=$!
begun first; echo >gate; begun second; sleep 0.5; interrupted native "$pid"
set +m

# What cannot be: one sentence, status 1, no report.
touch plain; cp "$(type -P true)" setuid && chmod u+s setuid || fail "no program to make setuid"
for row in 'nonesuch|no program' './plain|not executable' './setuid|is setuid' '/|folder'; do
  validate -- "${row%%|*}" >out 2>err
  same "the status of ${row%%|*}" $? 1
  grep -q "^pagewalk: .*${row#*|}" err && [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] || fail "${row%%|*}: $(cat err out)"
done
mkdir bin; cp "$PAGEWALK" bin/pagewalk
bin/pagewalk validate -- true 2>err; same "the status without the tool" $? 1
grep -q 'without its capture tool' err || fail "no tool: $(cat err)"
"$PAGEWALK" validate 2>err; same "no program" $? 2
"$PAGEWALK" validate true 2>err; same "no --" $? 2
"$PAGEWALK" validate --check many -- true 2>err; same "--check many" $? 2
same "left in TMPDIR" "$(ls tmp)" ""
exit $failed
