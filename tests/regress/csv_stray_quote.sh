# A quote inside an unquoted CSV field spoils its own line and no other: --skip-bad leaves
# out that line alone, and what a quote that is never closed takes along is counted.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
# expect FILE ACCESSES LINES
expect() {
  got=$("$PAGEWALK" run "$1" --skip-bad --csv - 2>err | awk -F, 'NR == 2 { print $16 }')
  [ "$got" = "$2" ] || { echo "$1: '$got' accesses, not $2"; failed=1; }
  grep -qE "$1: $3 lines? " err || { echo "$1: not $3 left out: $(cat err)"; failed=1; }
}

printf 'addr,op,note\n0x1000,R,a\n0x2000,R,5" disk\n0x3000,R,b\n0x4000,R,3""\n0x5000,R,"c"\n0x6000,W,"d ""e""\nf"\n' >stray
expect stray 4 2
printf 'addr,op,note\n0x1000,R,a\n0x2000,R,"b\n0x3000,R,c\n0x4000,R,d\n' >unclosed
expect unclosed 1 3
printf '\357\273\277"addr",op,"no\nte"\n0x1000,R,a\n0x2000,R,b"\n' >mark
expect mark 1 1
exit $failed
