#!/usr/bin/env bash
# Completion as bash calls it, with and without what the bash-completion package defines (nothing of it is needed).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
eval "$("$EEXIT" completion bash)"
mkdir -p out/studies/quick out/studies/quiet out/runs/resnet-14-s0 elsewhere/studies/other folder
touch spec.json notes.txt folder/inner.json

# complete_words WORD...: what the last word can become, in one line.
complete_words() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _eexit
  ((${#COMPREPLY[@]})) || return 0
  printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' '
}
# gives WANT WORD...
gives() {
  local want=$1 got
  shift
  got=$(complete_words "$@")
  [[ $got == "$want" ]] || fail "$*: completed to '$got', expected '$want'"
}

gives 'sweep ' eexit sw
[[ $(complete_words eexit '') == *'analyze '*'train '*'verify '* ]] || fail "not all commands"
gives 'elsewhere folder out spec.json ' eexit sweep ''
gives 'spec.json ' eexit sweep sp
gives 'folder/inner.json ' eexit sweep folder/
gives '' eexit sweep no
gives '--samples --set ' eexit eval --s
gives '--samples --set --steps ' eexit bench --s
gives '--set ' eexit train --s
gives 'quick quiet ' eexit eval ''
gives 'quiet ' eexit eval quie
gives 'quick quiet ' eexit analyze table q
gives 'learning_curves ' eexit analyze le
gives 'quick quiet ' eexit analyze compare quick q
gives 'quiet ' eexit analyze compare quick quick quie
gives 'other ' eexit analyze table --out elsewhere ''
gives 'other ' eexit eval --out = elsewhere ''
gives 'other ' eexit eval --out=elsewhere ''
gives 'quick quiet ' eexit eval --set /eval/cost = fv qui
gives 'resnet-14-s0 ' eexit train spec.json --only ''
gives 'cpu cuda ' eexit sweep --device ''
gives 'folder ' eexit init --data fo
gives 'notes.txt ' eexit eval quick --samples no
gives '' eexit bench --samples ''
gives 'exits images means methods steps train ' eexit bench ''
gives 'quick ' eexit bench exits quick
gives 'bash fish zsh ' eexit completion ''
gives 'run runs ' eexit list run
gives 'regimes ' eexit list reg

# Every command and every flag of its help is completed.
for command in $(complete_words eexit ''); do
  "$EEXIT" "$command" --help >help.txt
  for flag in $(grep -o -E -e '^ +(-h, )?--[a-z-]+' help.txt | grep -o -e '--.*'); do
    [[ " $(complete_words eexit "$command" "$flag")" == *" $flag "* ]] || fail "$command $flag is not completed"
  done
done

for shell in zsh fish; do
  "$EEXIT" completion $shell >script.$shell
  for word in sweep learning_curves regimes --samples; do
    grep -q -e "${word#--}" script.$shell || fail "the script for $shell does not tell $word"
  done
  if command -v $shell >/dev/null; then $shell -n script.$shell || fail "$shell cannot read its script"; fi
done
expect 64 'no shell "bsh"; did you mean "bash"' "$EEXIT" completion bsh
echo ok
