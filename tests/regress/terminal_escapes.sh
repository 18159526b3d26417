# Escape sequences in names from outside: a terminal never obeys them, and files and pipes get every byte. Needs script(1).
set -u
command -v script >/dev/null || { echo "script is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAIL: $1"; failures=$((failures + 1)); }

# a title for the window, and the same with the one-character forms of UTF-8
evil=$'a\033]0;pwn\007\302\2330m\302\235é.csv'
printf 'addr\n0x1000\n0x2000\n' >"$evil"
# script(1) starts $SHELL, which may be unset or a shell that does not read the quotes of %q
on_terminal() { SHELL=$BASH script -qec "$(printf '%q ' "$@")" /dev/null </dev/null >out 2>&1; }
no_control() { # NAME
  LC_ALL=C tr -d '\n\r\t\f\040-\176\200-\377' <out | grep -q . && fail "$1: a control character reached the terminal"
  LC_ALL=C grep -q $'\302[\200-\237]' out && fail "$1: U+0080 to U+009F reached the terminal"
  grep -q 'pwn' out || fail "$1: the name is not told: $(head -c 300 out | cat -v)"
}
on_terminal "$PAGEWALK" run --csv - "$evil"; no_control "run --csv -"
grep -q 'é' out || fail "run --csv -: letters are lost: $(cat -v out)"
on_terminal "$PAGEWALK" run --json - "$evil"; no_control "run --json -"
on_terminal "$PAGEWALK" run --csv /dev/tty "$evil"; no_control "run --csv /dev/tty"
on_terminal "$PAGEWALK" run "$evil"; no_control "run"
on_terminal "$PAGEWALK" info "$evil"; no_control "info"
on_terminal "$PAGEWALK" info --json "$evil"; no_control "info --json"
on_terminal "$PAGEWALK" curve --of dtlb --csv - "$evil"; no_control "curve --csv -"
on_terminal "$PAGEWALK" info "not-there-$evil"; no_control "an error"
"$PAGEWALK" run --csv - "$evil" | grep -qF "$evil" || fail "a pipe must get the name as it is"
"$PAGEWALK" run --csv rows.csv "$evil" && grep -qF "$evil" rows.csv || fail "a file must get the name as it is"
if command -v gnuplot >/dev/null; then
  on_terminal "$PAGEWALK" sweep -q --dtlb 16,32:4 -o swept "$evil" || fail "sweep: $(cat -v out)"
  on_terminal "$PAGEWALK" plot swept/results.csv --format terminal; no_control "plot --format terminal"
fi
exit $((failures > 0))
