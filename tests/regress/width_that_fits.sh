# The width that the error names for an address that does not fit is one that fits the whole trace.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
# fits TRACE: takes the width from the error and tries it
fits() {
  "$PAGEWALK" run "$1" --format din --csv - >out 2>err && { echo "$1 fits 48 bits"; failed=1; return; }
  bits=$(sed -n 's/.*at least \([0-9]*\) bits.*/\1/p' err)
  "$PAGEWALK" run "$1" --format din --levels 5 --va-bits "${bits:-0}" --csv - >out 2>err || { echo "$1: $bits bits do not fit: $(cat err)"; failed=1; }
  "$PAGEWALK" run "$1" --format din --levels 5 --va-bits $((bits - 1)) --csv - >out 2>err && { echo "$1: $((bits - 1)) bits fit too"; failed=1; }
}
printf '0 9000000000000\n0 5000000000000\n' >two_halves
printf '0 0001000000000000\n' >one_more
fits two_halves
fits one_more
# an address of the kernel half fits where a table sign-extends
printf '0 ffffffff80000000\n' >kernel
"$PAGEWALK" run kernel --format din --table x86-32 --csv - >out 2>err && { echo "x86-32 took a kernel address"; failed=1; }
grep -q 'at least 32 bits' err || { echo "not the first width that fits: $(cat err)"; failed=1; }
exit $failed
