# The address-space layout that info prints, on traces made by tests/tools/layout_trace.c and followed by hand.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { echo "$1"; failed=1; }
same() { [ "$2" = "$3" ] || fail "$1:
$2
and not
$3"; }
for name in program many processes plain; do
  "$PW_BUILD/tests/layout_trace" $name $name.pwt || fail "layout_trace $name"
done
layout() { "$PAGEWALK" info "$@" 2>err | sed '1,/^  created by/d' && [ ! -s err ] || fail "info $*: $(cat err)"; }

same "a program" "$(layout program.pwt)" \
"  addresses                                size    touched  protection   what, as mapped last
  0000000000400000-0000000000401fff       8 KiB          1  r-x          program /bin/prog
  0000000000402000-0000000000404fff      12 KiB          2  rw-          program /bin/prog
  0000000000405000-0000000000405fff       4 KiB          0  rw-          anonymous mapping
  0000000000406000-0000000000408fff      12 KiB          2  rw-          heap
  00007fff00000000-00007fff00007fff      32 KiB          2  r--,rw-,r-x  library /lib/a?[1mb.so.6
  00007fff00009000-00007fff00009fff       4 KiB          1  rw-          anonymous mapping
  00007fff0000a000-00007fff0000afff       4 KiB          1  r--          file /etc/data
  00007fff0000b000-00007fff0000bfff       4 KiB          0  rw-          anonymous mapping
  00007ffffffdb000-00007ffffffdffff      20 KiB          2  rw-          stack
  00007fffffffe000-00007fffffffefff       4 KiB          0  r-x          [vdso]
  2 pages touched where no event maps anything
  0000000000000000-00007fffffffffff                     12               user half (x86-64)
  0000800000000000-ffff7fffffffffff                      0               hole: not canonical, no addresses
  ffff800000000000-ffffffffffffffff                      1               kernel half"

# --all takes the library apart, and nothing else.
layout --all program.pwt >all
same "the library's parts" "$(grep library all)" \
"  00007fff00000000-00007fff00001fff       8 KiB          0  r--          library /lib/a?[1mb.so.6
  00007fff00002000-00007fff00004fff      12 KiB          1  r-x          library /lib/a?[1mb.so.6
  00007fff00005000-00007fff00005fff       4 KiB          1  rw-          library /lib/a?[1mb.so.6
  00007fff00006000-00007fff00007fff       8 KiB          0  r--          library /lib/a?[1mb.so.6"
layout program.pwt | grep -v library >less
same "the rest under --all" "$(grep -v library all)" "$(cat less)"

# Of many areas, those with the most pages touched, of equals the lower; --all has every one. Below 4 GiB: 32 bits.
layout many.pwt >out
same "many areas" "$(grep -c '\[area\]' out) $(sed -n 2p out)" \
"40   11200000-1127ffff     512 KiB         10  rw-          [area]"
same "the end of many" "$(tail -n 3 out)" \
"  … and 20 more, 100 pages touched in them: --all lists them
  00000000-bfffffff                    900               user part (32-bit Linux, 3 GiB of 4)
  c0000000-ffffffff                      0               kernel part"
same "all of many" "$(layout --all many.pwt | grep -c '\[area\]')" 60

# An exec starts anew when something is mapped after it. Addresses from 3 GiB up: no such split.
same "two processes" "$(layout processes.pwt)" \
"  process 0
  addresses                size    touched  protection   what, as mapped last
  00020000-00020fff       4 KiB          1  r-x          program /bin/new
  1 page touched where no event maps anything
  00000000-bfffffff                      2               user part (32-bit Linux, 3 GiB of 4)
  c0000000-ffffffff                      0               kernel part
  process 1
  addresses                size    touched  protection   what, as mapped last
  f0000000-f0000fff       4 KiB          1  rw-          anonymous mapping"

# Without map events there is no layout.
same "no map event" "$(layout plain.pwt)" ""
same "events ignored" "$(layout --ignore events program.pwt)" ""
exit $failed
