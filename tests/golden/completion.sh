# The bash completion offers commands, options and the names of `pagewalk list`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ln -s "$PAGEWALK" "$dir/pagewalk"
PATH=$dir:$PATH
compopt() { :; } # works only inside a real completion
. "$PW_SOURCE/scripts/completion.bash"

failed=0
offers() { # WANTED WORD...: completing the last word offers WANTED
  local wanted=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _pagewalk pagewalk
  for reply in "${COMPREPLY[@]}"; do [ "$reply" = "$wanted" ] && return; done
  echo "pagewalk completion of '$*' offers '${COMPREPLY[*]}' and not '$wanted'"
  failed=1
}
offers sweep pagewalk sw
offers --page-size pagewalk run --pa
offers --resume pagewalk sweep x.pwt --re
offers lackey pagewalk run --format la
offers terminal pagewalk plot --format ter
offers x86-64 pagewalk run --table x86-6
offers 'x86-64;sv39' pagewalk sweep --table 'x86-64;sv3'
offers lru,fifo pagewalk sweep --memory-policy lru,fi
offers 64:4:plru pagewalk run --dtlb 64:4:pl
offers skylake pagewalk run --machine sk
offers tables pagewalk list ta
offers convert pagewalk help con
exit $failed
