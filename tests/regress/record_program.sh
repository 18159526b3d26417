# Recording: the trace is what Lackey sees, status and streams pass through, and whatever ends the
# program or the recorder leaves a whole trace or none.
set -u
[ -x "$PW_BUILD/capture/pagewalk-amd64-linux" ] || { echo "the capture tool is not built"; exit 77; }
bare=$PW_BUILD/tests/bare
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1: $2, and not $3"; }
record() { timeout 100 "$PAGEWALK" record "$@"; }
line() { "$PAGEWALK" info "$1" | tr -s ' ' | grep "^ $2 "; }
accesses() { line "$1" accesses | tr -dc 0-9; }
numbers() { "$PAGEWALK" run "$1" --ignore events,kernel --itlb 4 --dtlb 4 --stlb none --memory 128K --csv - | tail -n 1 | cut -d, -f2-; }

# The same counts and numbers as Lackey's.
env -i setarch -R "$PAGEWALK" record -q -o bare.pwt -- "$bare" 2>err
same "the status of the program" $? 7
[ ! -s err ] || fail "-q says: $(cat err)"
if command -v valgrind >/dev/null; then
  env -i setarch -R "$(command -v valgrind)" -q --tool=lackey --trace-mem=yes --basic-counts=no --log-fd=9 "$bare" 9>lackey.txt
  for what in fetches loads stores footprint code data; do
    same "$what of record and Lackey" "$(line bare.pwt $what)" "$(line lackey.txt $what)"
  done
  same "the numbers of record and Lackey" "$(numbers bare.pwt)" "$(numbers lackey.txt)"
fi
# Programs with libraries too, when record preloads what Valgrind always does.
preload=/usr/libexec/valgrind/vgpreload_core-amd64-linux.so
# An address sanitizer in the command wants to be loaded first.
if [ -x /usr/bin/valgrind.bin ] && [ -e $preload ] && LD_PRELOAD=$preload "$PAGEWALK" --version >/dev/null 2>&1; then
  head -c 20000 "$PW_SOURCE/docs/models.md" >page
  for program in 'true' 'sort page'; do
    # shellcheck disable=SC2086 # words
    env -i PATH=/usr/bin LD_PRELOAD=$preload setarch -R "$PAGEWALK" record -q -o library.pwt -- $program >/dev/null
    # shellcheck disable=SC2086
    env -i PATH=/usr/bin setarch -R /usr/bin/valgrind.bin -q --tool=lackey --trace-mem=yes --basic-counts=no --log-fd=9 $program 9>lackey.txt >/dev/null
    for what in fetches loads stores footprint; do
      same "$what of record and Lackey in $program" "$(line library.pwt $what)" "$(line lackey.txt $what)"
    done
  done
fi
env -i setarch -R "$PAGEWALK" record -q -o again.pwt -- "$bare"
cmp bare.pwt again.pwt || fail "the same run gives another trace"
line bare.pwt unmaps | grep -q '[0-9]' || fail "no unmap is told: $("$PAGEWALK" info bare.pwt)"

# Streams and status pass through.
same "stdin and stdout" "$(echo ok | record -q -o cat.pwt -- cat)" ok
record -q -o sh.pwt -- sh -c 'echo to stderr >&2; exit 3' 2>err
same "the status of sh" $? 3
same "stderr" "$(cat err)" "to stderr"

# Its name, its environment and closed streams are as they would be.
same "the environment" "$(env -i PATH=/usr/bin A=1 "$PAGEWALK" record -q -o env.pwt -- env)" "$(env -i PATH=/usr/bin A=1 env)"
record -q -o name.pwt -- ls /nonesuch 2>err
grep -q '^ls: ' err || fail "the name of the program: $(cat err)"
record -q -o closed.pwt -- sh -c 'ls >&0 || exit 5' <&- >&- 2>&-
same "the status with closed streams" $? 5
"$PAGEWALK" info -q closed.pwt >/dev/null || fail "closed streams damage the trace"

# Limits.
record -q -o limit.pwt --limit 12345 -- "$bare"; same "the status under --limit" $? 7
same "--limit" "$(accesses limit.pwt)" 12345
record -q -o skip.pwt --skip 1000 -- "$bare"
same "--skip" "$(accesses skip.pwt)" $(($(accesses bare.pwt) - 1000))
record -q -o size.pwt --size-limit 20K -- ls -lR /usr/share/zoneinfo >/dev/null
[ "$(stat -c %s size.pwt)" -lt 2000000 ] && [ "$(accesses size.pwt)" -gt 0 ] || fail "--size-limit: $(ls -l size.pwt)"

# Children and what they become have traces of their own; --first leaves them out.
record -o tree.pwt -- sh -c 'ls >/dev/null; (exit 4); true' 2>err
ls tree.*.pwt >/dev/null 2>&1 || fail "no child has a trace"
for trace in tree*.pwt; do [ "$(accesses "$trace")" -gt 1000 ] || fail "$trace is poor"; done
line tree.*-2.pwt exits | grep -q 1 || fail "what a child became has no end"
grep -q 'more traces' err || fail "the other traces are not named: $(cat err)"
record -q --first -o alone.pwt -- sh -c 'ls >/dev/null; true'
ls alone.*.pwt 2>/dev/null && fail "--first recorded a child"

# Scripts; what cannot be recorded still runs when a program executes it.
printf '#!/bin/sh\nexec ./second\n' >first; printf '#!%s/third x\n' "$dir" >second; printf '#!/bin/sh\nexit 6\n' >third
chmod +x first second third
record -q -o third.pwt -- ./third; same "the status of a script" $? 6
record -o none.pwt -- ./second 2>err; same "the status of a script of a script" $? 1
grep -q 'interpreter is a script' err || fail "a script of a script: $(cat err)"
record -q -o first.pwt -- ./first; same "the status of a script that becomes one" $? 6
cp "$bare" setuid; chmod u+s setuid
record -o mother.pwt -- sh -c './setuid; exit $?' 2>err; same "the status of a setuid child" $? 7
grep -q '1 program that it executed ran unrecorded: setuid' err || fail "a setuid child: $(cat err)"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  record -o other.pwt -- setpriv --reuid 65534 sh -c 'exit 8' 2>err; same "the status of another user's" $? 8
  grep -q "1 program that it executed ran unrecorded: .*another user's" err || fail "another user's: $(cat err)"
fi
# As many children as there are files.
(ulimit -n 40; timeout 60 "$PAGEWALK" record -o many.pwt -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.5 & done; wait') 2>err
same "the status of too many children" $? 1
grep -Eq 'too many|Too many' err || fail "too many children: $(cat err)"

# A program that crashes, or is killed, or whose recorder is asked to stop.
record -q -o crash.pwt -- "$bare" crash; same "the status of a crash" $? 139
[ "$(accesses crash.pwt)" -gt 1000000 ] || fail "the trace of a crash is short"
"$PAGEWALK" record -q -o kill.pwt -- "$bare" loop & recorder=$!
sleep 1; kill -KILL "$(ps -o pid= --ppid $recorder)"; wait $recorder 2>/dev/null
same "the status of a killed program" $? 137
[ "$(accesses kill.pwt)" -gt 1000 ] || fail "a killed program has no trace"
"$PAGEWALK" record -o stop.pwt -- "$bare" loop 2>err & recorder=$!
sleep 1; kill -TERM $recorder; wait $recorder 2>/dev/null
[ "$(accesses stop.pwt)" -gt 1000 ] || fail "a stopped recorder leaves no trace"
grep -q interrupted err || fail "an interrupt is not said: $(cat err)"

# A recorder that is killed leaves no trace, and takes the program with it.
"$PAGEWALK" record -q -o gone.pwt -- "$bare" loop & recorder=$!
sleep 1; program=$(ps -o pid= --ppid $recorder | tr -d " "); kill -KILL $recorder; wait $recorder 2>/dev/null; sleep 2
[ -e gone.pwt ] && fail "a killed recorder leaves a trace"
[ -n "$program" ] || fail "the program was not there"
case $(ps -o stat= -p "$program") in *R*) fail "the program goes on without its recorder"; kill -KILL "$program" ;; esac

# A full disk: one sentence, no trace, exit 1.
seq 100000 | rev >numbers # the limit leaves room for the ring
(ulimit -f 2000; record -q -o full.pwt -- sort numbers -o /dev/null) 2>err
same "the status on a full disk" $? 1
grep -q 'full.pwt cannot be written: File too large' err || fail "a full disk: $(cat err)"
ls full.pwt* 2>/dev/null && fail "a full disk leaves something"

# What cannot be recorded: one sentence, exit 1, no trace.
touch plain; cp "$bare" narrow; chmod +x narrow
printf '\001' | dd of=narrow bs=1 seek=4 conv=notrunc 2>/dev/null # ELFCLASS32
printf 'text' >text; chmod +x text
for row in 'nonesuch|no program' './nonesuch|No such file' './plain|not executable' './setuid|setuid' './narrow|not a 64-bit' './text|neither an ELF' '/|folder'; do
  record -o none.pwt -- "${row%%|*}" 2>err
  same "the status of ${row%%|*}" $? 1
  grep -q "^pagewalk: .*${row#*|}" err && [ "$(wc -l <err)" -eq 1 ] || fail "${row%%|*}: $(cat err)"
done
ls none.pwt* 2>/dev/null && fail "a program that does not start leaves something"
mkdir bin; cp "$PAGEWALK" bin/pagewalk
bin/pagewalk record -o none.pwt -- true 2>err; same "the status without the tool" $? 1
grep -q 'without its capture tool' err || fail "no tool: $(cat err)"
"$PAGEWALK" record -- true 2>err; same "no -o" $? 2
"$PAGEWALK" record -o x.pwt true 2>err; same "no --" $? 2
exit $failed
