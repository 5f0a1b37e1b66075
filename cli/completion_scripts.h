// What stays the same in the completion scripts; @words@ are filled in from the table of commands.
#pragma once

namespace eexit::cli {

inline constexpr char const* bash_script = R"sh(# bash completion of eexit: eval "$(eexit completion bash)"
_eexit() {
  local cur=${COMP_WORDS[COMP_CWORD]} out=out command='' flag='' fill='' at=0 i word
  # Before the cursor: the command, the folder of --out, a flag that waits for its value, how many other words.
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then  # bash parts words at it
      if [[ -z $flag ]]; then i=$((i + 1)); fi
    elif [[ -n $flag ]]; then
      if [[ $flag == --out ]]; then out=${word/#\~/$HOME}; fi
      flag=''
    elif [[ $word == --out=* ]]; then
      out=${word#--out=}
    elif [[ $word == -* ]]; then
      case $word in
        @flags_with_value@) flag=$word ;;
      esac
    elif [[ -z $command ]]; then
      command=$word
    else
      at=$((at + 1))
    fi
  done
  if [[ -n $flag ]]; then
    if [[ $cur == '=' ]]; then cur=''; fi
    case "$command $flag" in
@values@    esac
  elif [[ $cur == -* ]]; then
    case $command in
@flags@    esac
  elif [[ -z $command ]]; then
    fill='words @commands@'
  else
    case "$command $at" in
@positions@    esac
  fi
  COMPREPLY=()
  case $fill in
    words*) mapfile -t COMPREPLY < <(compgen -W "${fill#words }" -- "$cur") ;;
    file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    run) mapfile -t COMPREPLY < <(cd -- "$out/runs" 2>/dev/null && compgen -d -- "$cur") ;;
    study | spec | spec_or_study)
      if [[ $fill != spec ]]; then
        mapfile -t COMPREPLY < <(cd -- "$out/studies" 2>/dev/null && compgen -d -- "$cur")
      fi
      if [[ $fill != study || $cur == */* ]]; then  # a study may be named by its folder, too
        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
          if [[ $fill != study ]]; then compgen -f -X '!*.json' -- "$cur"; fi
          compgen -d -- "$cur"
        )
      fi
      ;;
  esac
  # File names are quoted and folders get a slash; there is no line to edit when a script calls this.
  if [[ $fill != words* ]]; then compopt -o filenames 2>/dev/null || true; fi
}
complete -F _eexit eexit
)sh";

inline constexpr char const* zsh_script = R"sh(#compdef eexit
# zsh completion of eexit: source <(eexit completion zsh), or as _eexit in a folder of $fpath
_eexit_below() {  # names of folders in OUT/$1
  local out=out i
  local -a found
  for ((i = 1; i < CURRENT; ++i)); do
    case $words[i] in
      --out) out=$words[i+1] ;;
      --out=*) out=${words[i]#--out=} ;;
    esac
  done
  found=(${~out}/$1/*(N/:t))
  compadd -a found
}
_eexit_run() { _eexit_below runs }
_eexit_study() { _eexit_below studies }
_eexit_spec() { _files -g '*.json' }
_eexit_spec_or_study() { _eexit_study; _eexit_spec }
_eexit_file() { _files }
_eexit_folder() { _files -/ }

_eexit() {
  local -a commands
  commands=(
@commands@  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
@arguments@  esac
}

if [[ $funcstack[1] == _eexit ]]; then
  _eexit "$@"
else
  compdef _eexit eexit
fi
)sh";

inline constexpr char const* fish_script = R"sh(# fish completion of eexit: eexit completion fish | source
function __eexit_words  # before the cursor: the folder of --out, the command or -, how many other words
  set -l out out
  set -l command -
  set -l at 0
  set -l flag ''
  for word in (commandline -opc)[2..-1]
    if test -n "$flag"
      test $flag = --out; and set out $word
      set flag ''
    else if string match -q -- '--out=*' $word
      set out (string replace -- --out= '' $word)
    else if string match -q -- '-*' $word
      contains -- $word @flags_with_value@; and set flag $word
    else if test $command = -
      set command $word
    else
      set at (math $at + 1)
    end
  end
  printf '%s\n' $out $command $at
end
function __eexit_at  # the command is $argv[1] and, if given, as many words follow it as $argv[2..3] say: -eq 1
  set -l words (__eexit_words)
  test "$words[2]" = "$argv[1]"; and begin
    test (count $argv) -eq 1; or test "$words[3]" $argv[2..3]
  end
end
function __eexit_below
  set -l words (__eexit_words)
  for folder in $words[1]/$argv[1]/*/
    basename $folder
  end
end
function __eexit_run; __eexit_below runs; end
function __eexit_study; __eexit_below studies; end
function __eexit_spec; __fish_complete_suffix .json; end
function __eexit_spec_or_study; __eexit_study; __eexit_spec; end
function __eexit_file; __fish_complete_path (commandline -ct); end
function __eexit_folder; __fish_complete_directories (commandline -ct); end

complete -c eexit -f
@completions@)sh";

}  // namespace eexit::cli
