# Every command has a man page that renders without a warning and names its options; every
# row of `pagewalk list` and every column of results.csv is named in one of the pages.
set -eu
man=$PW_SOURCE/docs/man
failed=0
miss() { echo "$1"; failed=1; }

command -v groff >/dev/null || { echo "groff is not installed: nothing to render with"; exit 77; }

# As plain text on very long lines, so that no word is cut or broken.
render() { groff -ww -man -Tascii -P-c -P-b -P-u -rLL=4000n -rHY=0 "$1"; }

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
for page in "$man"/*.1; do
  name=$(basename "$page" .1)
  render "$page" >"$pages/$name" 2>"$pages/warnings"
  [ -s "$pages/warnings" ] && miss "$name: $(cat "$pages/warnings")"
done
names() { grep -qE -- "(^|[^A-Za-z0-9_-])$1([^A-Za-z0-9_-]|\$)" "$2"; }

commands=$("$PAGEWALK" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 7 ] || miss "the commands cannot be read from pagewalk help"
for command in $commands; do
  page=$pages/pagewalk-$command
  [ -f "$page" ] || { miss "there is no docs/man/pagewalk-$command.1"; continue; }
  names "pagewalk-$command\\(1\\)" "$pages/pagewalk" || miss "pagewalk.1 does not name pagewalk-$command"
  for option in $("$PAGEWALK" help "$command" | sed -n 's/^  .\{4\}\(--[a-z-]*\).*/\1/p'); do
    names "$option" "$page" || miss "pagewalk-$command.1 does not name $option"
  done
done
[ "$("$PAGEWALK" help sweep | grep -c '^  .\{4\}--[a-z]')" -ge 25 ] || miss "the options cannot be read from pagewalk help sweep"

rows=$("$PAGEWALK" list | sed -n 's/^  \([^ ]*\) .*/\1/p')
[ "$(echo "$rows" | wc -l)" -ge 30 ] || miss "the rows cannot be read from pagewalk list"
for row in $rows; do names "$row" "$pages/pagewalk" || miss "pagewalk.1 does not name $row of pagewalk list"; done

printf '1000 R\n2000 W\n' >"$pages/trace"
columns=$("$PAGEWALK" run --format hexrw --csv - "$pages/trace" | head -n 1 | tr ',\r' '  ')
for column in $columns; do names "$column" "$pages/pagewalk-sweep" || miss "pagewalk-sweep.1 does not name the column $column"; done
[ -n "$columns" ] || miss "the columns cannot be read from pagewalk run --csv -"

# The csv example of pagewalk.1 is a trace: a load and a store.
sed -n '/^addr,op,size$/,/^\.fi$/{/^\.fi$/!p}' "$man/pagewalk.1" >"$pages/example.csv"
"$PAGEWALK" run "$pages/example.csv" --csv - >"$pages/example" && [ "$(head -n 1 "$pages/example.csv")" = addr,op,size ] ||
  miss "the csv example of pagewalk.1 is no trace"
for column in loads stores; do
  n=$(head -n 1 "$pages/example" | tr -d '\r' | tr ',' '\n' | grep -nx $column | cut -d: -f1)
  [ "$(tail -n 1 "$pages/example" | tr -d '\r' | cut -d, -f"${n:-1}")" = 1 ] || miss "the csv example of pagewalk.1 has not one of $column"
done

# The test can fail: a name that no page holds is missed.
names "no-such-option" "$pages/pagewalk" && miss "the search for names finds what is not there"
exit $failed
