# Bash completion for pagewalk: commands and options from its help, names from its lists.
# It needs bash alone, not the bash-completion package.

# The first column of a list, such as the names of the formats.
_pagewalk_list() {
  "$1" list "$2" 2>/dev/null | sed -n 's/^ *\([a-z0-9][a-z0-9-]*\)  .*/\1/p'
}

# The policies below the heading that begins with TLB or Memory.
_pagewalk_policies() {
  "$1" list policies 2>/dev/null | sed -n "/^$2 /,/^\$/s/^  \([a-z0-9][a-z0-9-]*\)  .*/\1/p"
}

_pagewalk_commands() {
  "$1" help 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_pagewalk_options() {
  "$1" help "$2" 2>/dev/null | sed -n 's/^  .\{4\}\(--[a-z-]*\).*/\1/p'
  echo --help
}

# Completes a word, or the last item of a list such as lru,fi or x86-64;sv. Reads cur.
_pagewalk_word() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}
_pagewalk_item() {
  local head=${cur%"${cur##*[,;:]}"}
  mapfile -t COMPREPLY < <(compgen -P "$head" -W "$1" -- "${cur#"$head"}")
  compopt -o nospace
}

# ENTRIES[:WAYS[:POLICY]]: a place of the last spec, told by the colons before it.
_pagewalk_tlb() {
  local spec=${cur##*;}
  case $spec in
    *:*:*) _pagewalk_item "$(_pagewalk_policies "$1" TLB)" ;;
    *:*) _pagewalk_item full ;;
    *) _pagewalk_item none ;;
  esac
}

# The value of an option; fails when any word may be one. Reads cur.
_pagewalk_value() {
  case $2:$3 in
    plot:--format) _pagewalk_word "svg png pdf terminal" ;;
    plot:--chart) _pagewalk_word "$(_pagewalk_list "$1" charts)" ;;
    curve:--of) _pagewalk_item "dtlb itlb stlb memory" ;;
    curve:--[id]tlb) case ${cur##*;} in *:*) _pagewalk_item full ;; *) _pagewalk_item none ;; esac ;;
    run:--by) _pagewalk_word "region object symbol function" ;;
    run:--heat) _pagewalk_word "walks dtlb faults none" ;;
    *:--format) _pagewalk_word "$(_pagewalk_list "$1" formats)" ;;
    *:--table) _pagewalk_item "$(_pagewalk_list "$1" tables)" ;;
    *:--machine) _pagewalk_item "$(_pagewalk_list "$1" machines)" ;;
    *:--memory-policy) _pagewalk_item "$(_pagewalk_policies "$1" Memory)" ;;
    *:--[ids]tlb) _pagewalk_tlb "$1" ;;
    *:--page-size) _pagewalk_item "4K 2M 1G" ;;
    *:--memory) _pagewalk_item unlimited ;;
    run:--every) _pagewalk_word "20K 100K 1M 10M" ;;
    *:--only) _pagewalk_word "fetch data" ;;
    *:--asid) _pagewalk_word "on off" ;;
    *:--engine) _pagewalk_word "auto direct" ;;
    *:--ignore) _pagewalk_item "events kernel" ;;
    record:--backend) _pagewalk_word "valgrind qemu" ;;
    help:*) _pagewalk_word "$(_pagewalk_commands "$1")" ;;
    list:*) _pagewalk_word "formats tables policies machines charts" ;;
    *) return 1 ;;
  esac
}

_pagewalk() {
  # The words up to the cursor, split at blanks only: bash itself also splits them at '='
  # and ':', which specifications hold.
  local line=${COMP_LINE:0:COMP_POINT} words cur prev='' option='' quote=''
  line=${line#*"${COMP_WORDS[0]}"}
  read -ra words <<<"$line"
  case $line in *[[:blank:]]) words+=('') ;; esac
  local n=${#words[@]}
  [ "$n" -gt 0 ] || return
  cur=${words[n-1]}
  [ "$n" -gt 1 ] && prev=${words[n-2]}
  COMPREPLY=()
  # Behind --, a program and its arguments.
  if [[ ${words[0]} = @(record|validate) ]] && [ "$n" -gt 2 ]; then
    case " ${words[*]:1:n-2} " in
      *' -- ') mapfile -t COMPREPLY < <(compgen -c -- "$cur"); compopt -o default; return ;;
      *' -- '*) compopt -o default; return ;;
    esac
  fi
  if [ "$n" -eq 1 ]; then
    _pagewalk_word "$(_pagewalk_commands "$1") --help --version"
    return
  fi
  case $cur in --*=*) prev=${cur%%=*} option=$prev= cur=${cur#*=} ;; esac
  case $cur in [\'\"]*) quote=${cur:0:1} cur=${cur:1} ;; esac
  if ! _pagewalk_value "$1" "${words[0]}" "$prev"; then
    case $option$cur in
      --*=*) compopt -o default; return ;; # file names
      -*) _pagewalk_word "$(_pagewalk_options "$1" "${words[0]}")" ;;
      *) compopt -o default; return ;;
    esac
  fi
  # What bash replaces: all after the quote, or after the last character it splits at.
  [ -n "$quote" ] && return
  local breaks='' word=$option$cur head
  case $COMP_WORDBREAKS in *=*) breaks+='=' ;; esac
  case $COMP_WORDBREAKS in *:*) breaks+=':' ;; esac
  COMPREPLY=("${COMPREPLY[@]/#/$option}")
  [ -n "$breaks" ] || return 0
  head=${word%"${word##*["$breaks"]}"}
  COMPREPLY=("${COMPREPLY[@]#"$head"}")
}

complete -F _pagewalk pagewalk
