# The bash completion offers commands, options and the names of `pagewalk list`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ln -s "$PAGEWALK" "$dir/pagewalk"
PATH=$dir:$PATH
compopt() { :; } # works only inside a real completion
. "$PW_SOURCE/scripts/completion.bash"

failed=0
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'

# The lines that completion makes of a line, as bash does: what stands after the quote, or
# after the last blank, '=' or ':', gives way to each reply.
completions() {
  local line=$1 tail
  COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=(pagewalk) COMPREPLY=()
  _pagewalk pagewalk
  case $line in
    *[\'\"]*) tail=${line##*[\'\"]} ;;
    *) tail=${line##*[ =:]} ;;
  esac
  for reply in "${COMPREPLY[@]}"; do echo "${line%"$tail"}$reply"; done
}
offers() { # LINE WANTED: WANTED is among the completions of LINE
  completions "$1" | grep -qxF -- "$2" && return
  echo "completing '$1' offers '$(completions "$1")' and not '$2'"
  failed=1
}
offers_only() { # LINE WANTED...: just these
  local line=$1
  shift
  [ "$(completions "$line")" = "$(printf '%s\n' "$@")" ] && return
  echo "completing '$line' offers '$(completions "$line")' and not just '$*'"
  failed=1
}
offers 'pagewalk sw' 'pagewalk sweep'
offers 'pagewalk rec' 'pagewalk record'
offers 'pagewalk record --li' 'pagewalk record --limit'
offers 'pagewalk validate --ar' 'pagewalk validate --areas'
offers 'pagewalk validate -- bas' 'pagewalk validate -- bash'
offers 'pagewalk record -o x.pwt -- bas' 'pagewalk record -o x.pwt -- bash'
offers 'pagewalk ' 'pagewalk run'
offers 'pagewalk --ver' 'pagewalk --version'
offers 'X=1 pagewalk run --pa' 'X=1 pagewalk run --page-size'
offers 'pagewalk sweep x.pwt --re' 'pagewalk sweep x.pwt --resume'
offers 'pagewalk run --format la' 'pagewalk run --format lackey'
offers 'pagewalk run --format=la' 'pagewalk run --format=lackey'
offers 'pagewalk plot --format ter' 'pagewalk plot --format terminal'
offers 'pagewalk run --table x86-6' 'pagewalk run --table x86-64'
offers "pagewalk sweep --table 'x86-64;sv3" "pagewalk sweep --table 'x86-64;sv39"
offers "pagewalk sweep --table='x86-64;sv3" "pagewalk sweep --table='x86-64;sv39"
offers_only 'pagewalk run --memory-policy ' 'pagewalk run --memory-policy '{lru,fifo,clock,random,opt}
offers_only 'pagewalk sweep --memory-policy=lru,c' 'pagewalk sweep --memory-policy=lru,clock'
offers_only 'pagewalk run --dtlb 64:4:' 'pagewalk run --dtlb 64:4:'{lru,fifo,plru,random}
offers_only 'pagewalk run --stlb=64:4:lru,p' 'pagewalk run --stlb=64:4:lru,plru'
offers_only 'pagewalk run --itlb 64:' 'pagewalk run --itlb 64:full'
offers_only 'pagewalk run --itlb n' 'pagewalk run --itlb none'
offers_only "pagewalk sweep --dtlb '64:4;8:full:pl" "pagewalk sweep --dtlb '64:4;8:full:plru"
offers_only 'pagewalk run --memory u' 'pagewalk run --memory unlimited'
offers 'pagewalk run --machine sk' 'pagewalk run --machine skylake'
offers_only 'pagewalk curve x.pwt --of dtlb,m' 'pagewalk curve x.pwt --of dtlb,memory'
offers 'pagewalk curve x.pwt --ta' 'pagewalk curve x.pwt --target'
offers_only 'pagewalk curve --dtlb 64:' 'pagewalk curve --dtlb 64:full'
offers 'pagewalk list ta' 'pagewalk list tables'
offers 'pagewalk help con' 'pagewalk help convert'
offers_only 'pagewalk run --csv=tr' ''
COMP_WORDBREAKS=' ' COMP_WORDS=(pagewalk)
COMP_LINE='pagewalk run --dtlb=64:4:pl' COMP_POINT=27
_pagewalk pagewalk
[ "${COMPREPLY[*]}" = --dtlb=64:4:plru ] || { echo "without word breaks: ${COMPREPLY[*]}"; failed=1; }
exit $failed
