# Bash completion for pagewalk: commands and options from its help, names from its lists.

# The first column of a list, such as the names of the formats.
_pagewalk_list() {
  "$1" list "$2" 2>/dev/null | sed -n 's/^ *\([a-z0-9][a-z0-9-]*\)  .*/\1/p'
}

_pagewalk_options() {
  "$1" help "$2" 2>/dev/null | sed -n 's/^  .\{4\}\(--[a-z-]*\).*/\1/p'
  echo --help
}

# Completes the last item of a list such as lru,fi or x86-64;sv.
_pagewalk_item() {
  local names=$1 head=${cur%"${cur##*[,;:]}"}
  mapfile -t COMPREPLY < <(compgen -P "$head" -W "$names" -- "${cur#"$head"}")
  compopt -o nospace
}

_pagewalk() {
  local program=$1 cur prev words cword command=
  # Words are not split at '=', ':' and ';': TLB specifications hold them.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n '=:' cur prev words cword
  else
    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  [ "$cword" -gt 1 ] && command=${words[1]}
  if [ -z "$command" ]; then
    local commands
    commands=$("$program" help 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
    return
  fi
  case $command:$prev in
    plot:--format) mapfile -t COMPREPLY < <(compgen -W "svg png pdf terminal" -- "$cur"); return ;;
    plot:--chart) mapfile -t COMPREPLY < <(compgen -W "$(_pagewalk_list "$program" charts)" -- "$cur"); return ;;
    *:--format) mapfile -t COMPREPLY < <(compgen -W "$(_pagewalk_list "$program" formats)" -- "$cur"); return ;;
    *:--table) _pagewalk_item "$(_pagewalk_list "$program" tables)"; return ;;
    *:--machine) _pagewalk_item "$(_pagewalk_list "$program" machines)"; return ;;
    *:--memory-policy) _pagewalk_item "$(_pagewalk_list "$program" policies)"; return ;;
    *:--[ids]tlb) _pagewalk_item "none full $(_pagewalk_list "$program" policies)"; return ;;
    *:--page-size) _pagewalk_item "4K 2M 1G"; return ;;
    *:--memory) _pagewalk_item "unlimited"; return ;;
    *:--only) mapfile -t COMPREPLY < <(compgen -W "fetch data" -- "$cur"); return ;;
    *:--asid) mapfile -t COMPREPLY < <(compgen -W "on off" -- "$cur"); return ;;
    *:--engine) mapfile -t COMPREPLY < <(compgen -W "auto direct" -- "$cur"); return ;;
    *:--ignore) mapfile -t COMPREPLY < <(compgen -W "events kernel events,kernel" -- "$cur"); return ;;
    help:*) mapfile -t COMPREPLY < <(compgen -W "$("$program" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$cur"); return ;;
    list:*) mapfile -t COMPREPLY < <(compgen -W "formats tables policies machines charts" -- "$cur"); return ;;
  esac
  case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_pagewalk_options "$program" "$command")" -- "$cur") ;;
    *) compopt -o default; COMPREPLY=() ;; # file names
  esac
}

complete -F _pagewalk pagewalk
