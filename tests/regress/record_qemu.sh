# Recording programs of other machines under QEMU: counts that are known, the instructions that QEMU
# itself steps through, events, threads, faults, and what ends a program or its recorder.
set -u
plugin=$PW_BUILD/capture/libpagewalk-qemu.so
[ -e "$plugin" ] || { echo "the plugin for QEMU is not built"; exit 77; }
tools=$PW_SOURCE/tests/tools
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset QEMU_CPU QEMU_LD_PREFIX
ulimit -c 0
failed=0
fail() { echo "$machine: $1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1: $2, and not $3"; }
record() { timeout 100 "$PAGEWALK" record --backend qemu "$@"; }
line() { "$PAGEWALK" info "$1" | tr -s ' ' | grep "^ $2 "; }
number() { line "$1" "$2" | cut -d' ' -f3 | tr -dc 0-9; }
obeyed() { "$PW_BUILD/tests/events" "$1" >/dev/null 2>complaints || fail "$1: $(head -n 3 complaints)"; } # maps and accesses agree
numbers() { echo "$(number "$1" fetches) $(number "$1" loads) $(number "$1" stores)"; }
between() { # WHAT NUMBER LEAST MOST
  [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || fail "$1: $2 is not $3..$4"
}

known() { # FETCHES LOADS STORES, counted in the source
  "$compiler" -nostdlib -static -o exact "$tools/foreign_exact.S" || fail "foreign_exact.S does not compile"
  record -q -o exact.pwt -- ./exact
  same "its status" $? 16
  same "fetches, loads and stores" "$(numbers exact.pwt)" "$*"
  same "code and data" "$(line exact.pwt code | cut -d' ' -f3) $(line exact.pwt data | cut -d' ' -f3)" "1 8"
  record -q -o again.pwt -- ./exact
  cmp exact.pwt again.pwt || fail "the same run gives another trace"
  record -q -o limit.pwt --limit 12345 -- ./exact; same "the status under --limit" $? 16
  same "--limit" "$(number limit.pwt accesses)" 12345
}

# QEMU's own log of single steps. On arm64 of a copy to which DC ZVA is prohibited, as record does.
forbid_zva() {
  python3 - <<'END'
import struct
code = bytearray(open("foreign", "rb").read())
for at in range(0, len(code) - 3, 4):
    word, = struct.unpack_from("<I", code, at)
    if word & ~31 == 0xd53b00e0: struct.pack_into("<I", code, at, 0xd2800200 | word & 31)
open("foreign", "wb").write(code)
END
}
steps() { # ARGUMENTS OF foreign: the number of steps, and its status in $?; the file log
  local cpu=() status
  cp foreign kept
  if [ "$machine" = aarch64 ]; then
    cpu=(-cpu max,sve=off,sme=off)
    forbid_zva
  fi
  env -i "$qemu" "${cpu[@]}" -singlestep -d exec,nochain -D log ./foreign "$@"
  status=$?
  mv kept foreign
  grep -c ^Trace log
  return $status
}

events() {
  local expected
  # An instruction across two pages is fetched on both: on riscv64 one that begins two bytes before the end.
  expected=$(steps events); same "the status under QEMU alone" $? 3
  env -i "$PAGEWALK" record --backend qemu --qemu "$qemu" -q -o events.pwt -- ./foreign events
  same "the status of events" $? 3
  between "fetches, and QEMU's steps" "$(number events.pwt fetches)" "$expected" $((expected + $(grep -c '^Trace.*/[0-9a-f]*ffe/' log)))
  between "stores of memset and touch" "$(number events.pwt stores)" $((4096 + 100000 / 16)) 40000
  between "unmaps" "$(number events.pwt unmaps)" 3 9
  same "exits" "$(number events.pwt exits)" 1
  obeyed events.pwt
  for what in 'program .*/foreign' heap stack; do
    "$PAGEWALK" info events.pwt | grep -q " $what\$" || fail "no $what in the layout: $("$PAGEWALK" info events.pwt)"
  done
}

# Each fault takes a store away, and the fetches since the one before it.
faults() {
  local expected
  expected=$(steps faults 200); same "the status of faults under QEMU alone" $? 6
  env -i "$PAGEWALK" record --backend qemu --qemu "$qemu" -q -o faults.pwt -- ./foreign faults 200
  same "the status of faults" $? 6
  between "data pages of faults" "$(line faults.pwt data | cut -d' ' -f3)" 208 240
  between "fetches that 200 faults prevented" $((expected - $(number faults.pwt fetches))) 180 1000
}

threads() {
  local accesses=$((21 * 2 * (4096 + 512)))
  record -q -o few.pwt -- ./foreign threads 10; same "the status of threads" $? 5
  record -q -o many.pwt -- ./foreign threads 31
  obeyed many.pwt
  same "threads" "$(number many.pwt threads)" 3
  # gcc's atomics on arm64 look each time whether there is an instruction for them
  [ $machine = aarch64 ] && more=$((21 * 2 * 512)) || more=0
  between "loads of 21 rounds more" $(($(number many.pwt loads) - $(number few.pwt loads))) $((accesses + more - 100)) $((accesses + more + 100))
  between "stores of 21 rounds more" $(($(number many.pwt stores) - $(number few.pwt stores))) $((accesses - 100)) $((accesses + 100))
}

endings() {
  rm -f ./*.pwt
  same "stdin and stdout" "$(echo ok | record -q -o echo.pwt -- ./foreign echo 2>err)" ok
  same "stderr" "$(cat err)" "to stderr"
  record -q -o fork.pwt -- ./foreign fork; same "the status of fork" $? 4
  ls fork.*.pwt >/dev/null 2>&1 || fail "the child has no trace"
  for trace in fork*.pwt; do obeyed "$trace"; done
  between "stores of the child" "$(number "$(echo fork.*.pwt)" stores)" 4096 5000
  record -o into.pwt -- ./foreign into 2>err >/dev/null
  grep -q '1 program that it executed ran unrecorded' err || fail "what it executed is not named: $(cat err)"
  same "execs" "$(number into.pwt execs)" 1
  record -q --first -o alone.pwt -- ./foreign fork
  ls alone.*.pwt 2>/dev/null && fail "--first recorded a child"
  record -q -o crash.pwt -- ./foreign crash 2>/dev/null; same "the status of a crash" $? 139
  between "stores before a crash" "$(number crash.pwt stores)" 4096 9000
  "$PAGEWALK" record --backend qemu -q -o kill.pwt -- ./foreign loop & recorder=$!
  sleep 1; kill -KILL "$(ps -o pid= --ppid $recorder)"; wait $recorder 2>/dev/null
  same "the status of a killed program" $? 137
  between "accesses of a killed program" "$(number kill.pwt accesses)" 100000 99999999999
  "$PAGEWALK" record --backend qemu -o stop.pwt -- ./foreign loop 2>err & recorder=$!
  sleep 1; kill -TERM $recorder; wait $recorder 2>/dev/null
  between "accesses of a stopped recorder" "$(number stop.pwt accesses)" 100000 99999999999
  grep -q interrupted err || fail "an interrupt is not said: $(cat err)"
  "$PAGEWALK" record --backend qemu -q -o gone.pwt -- ./foreign loop & recorder=$!
  sleep 1; program=$(ps -o pid= --ppid $recorder | tr -d " "); kill -KILL $recorder; wait $recorder 2>/dev/null; sleep 2
  [ -e gone.pwt ] && fail "a killed recorder leaves a trace"
  case $(ps -o stat= -p "$program") in *R*) ;; *) fail "the program does not go on without its recorder" ;; esac
  kill -KILL "$program"
}

refusals() {
  printf '#!/bin/sh\n' >script; chmod +x script
  cp foreign odd; printf '\377\377' | dd of=odd bs=1 seek=18 conv=notrunc 2>/dev/null
  "$compiler" -o dynamic "$tools/foreign.c" -pthread
  for row in './script|not an ELF' './odd|not known to record' './dynamic|needs the dynamic loader' './foreign --qemu /bin/nonesuch|No such file' './nonesuch|No such file'; do
    read -r program options <<<"${row%%|*}"
    # shellcheck disable=SC2086 # options are words
    record -o none.pwt --sysroot "$dir" $options -- "$program" 2>err
    same "the status of $program $options" $? 1
    grep -q "^pagewalk: .*${row#*|}" err && [ "$(wc -l <err)" -eq 1 ] || fail "$program $options: $(cat err)"
  done
  PATH=/nonesuch "$PAGEWALK" record --backend qemu -o none.pwt -- ./foreign 2>err
  grep -q 'install the package qemu-user' err || fail "no QEMU: $(cat err)"
  record -o none.pwt --qemu /bin/false -- ./foreign 2>err; same "a QEMU that does not start" $? 1
  ls none.pwt* 2>/dev/null && fail "a program that does not start leaves something"
  if [ -d "/usr/$machine-linux-gnu/lib" ]; then
    record -q -o dynamic.pwt -- ./dynamic events; same "the status of a dynamic program" $? 3
    record -q --pc -o named.pwt -- ./dynamic threads 3
    for owner in symbol:area function:touch object:libc.so.6; do
      "$PAGEWALK" run named.pwt --by "${owner%:*}" --csv - | cut -d, -f2-3 | grep -qx "${owner%:*},.*${owner#*:}" || fail "no ${owner%:*} is ${owner#*:}"
    done
    "$PAGEWALK" info dynamic.pwt | grep -q 'r-x.*library .*libc.so' || fail "no libc in the layout of a dynamic program"
  fi
}

machine=any
"$PAGEWALK" record --backend nonesuch -o x.pwt -- true 2>err; same "an unknown backend" $? 2
"$PAGEWALK" record --sysroot / -o x.pwt -- true 2>err; same "--sysroot without qemu" $? 2
if command -v qemu-x86_64 >/dev/null && [ -x "$PW_BUILD/tests/bare" ]; then # both backends see the same, but for a compare-and-swap
  for backend in qemu valgrind; do env -i PATH="$PATH" "$PAGEWALK" record --backend $backend -q -o $backend.pwt -- "$PW_BUILD/tests/bare"; done
  for what in fetches stores footprint visits; do same "$what of the two backends" "$(line qemu.pwt $what)" "$(line valgrind.pwt $what)"; done
fi
if command -v qemu-x86_64 >/dev/null && cc -mavx2 -O1 -static -o gather "$tools/gather.c" 2>/dev/null; then
  QEMU_CPU=max record -q -o gather.pwt -- ./gather 1000; same "the status of gather" $? 8
  QEMU_CPU=max record -q -o longer.pwt -- ./gather 3000
  same "loads that are masked" $(($(number longer.pwt loads) - $(number gather.pwt loads))) 32000
  stores=$(($(number longer.pwt stores) - $(number gather.pwt stores)))
  [ $stores -gt 3200000 ] && [ $((stores % 80000)) -eq 0 ] || fail "stores of 80000 fxsaves: $stores"
fi
machines=0
for machine in aarch64 riscv64; do
  compiler=$(command -v $machine-linux-gnu-gcc) && qemu=$(command -v qemu-$machine) || continue
  machines=$((machines + 1))
  if [ $machine = aarch64 ]; then known 20944 5730 4116; else known 25038 4528 4116; fi
  "$compiler" -O1 -fno-builtin -static -pthread -o foreign "$tools/foreign.c" || fail "foreign.c does not compile"
  events
  faults
  threads
  endings
  refusals
done
[ $machines -gt 0 ] || { echo "no cross compiler with its QEMU"; exit 77; }
exit $failed
