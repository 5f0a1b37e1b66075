#!/usr/bin/env bash
# Tables of several studies with settings as columns, published values, and two studies compared.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"

# study NAME AXES: six runs of the small spec's network on a grid of AXES and three seeds.
study() {
  cat >"$1.json" <<JSON
{"study": "$1",
 "defaults": {"data": {"name": "fashion_mnist"}, "arch": {"name": "mlp", "widths": [24, 24, 24]}, "placement": {"after": [0, 1]},
              "regime": {"name": "joint"}, "train": {"protocol": {"name": "equal_epochs", "total": 1, "backbone": 1}, "batch": 50}},
 "grid": {$2, "seed": [0, 1, 2]}, "eval": {"plain": false, "budgets": [1]}}
JSON
  "$EEXIT" sweep "$1.json" --quiet >/dev/null
}
study regimes '"regime": [{"name": "joint"}, {"name": "phases", "phases": ["heads"], "epochs": [1]}]'
study batches '"/train/batch": [25, 50]'
head -1 out/studies/batches/axes.csv | grep -qx 'run,train.batch' || fail "axes.csv does not hold the batch"

# shows PATTERN WORDS...: the analysis prints a line that matches.
shows() {
  local pattern=$1
  shift
  "$EEXIT" analyze "$@" --quiet >table.txt
  grep -E -q -e "$pattern" table.txt || { cat table.txt; fail "no \"$pattern\" in: $*"; }
}
shows '^study  ' table regimes batches
shows 'train.batch 25 .*train.batch 50' table batches --set '/columns=["train.batch"]' --set /rows='["regime"]'
shows '^batches +25 ' table regimes batches --set '/rows=["train.batch", "regime"]' --set /filter/policy='"threshold"'
shows 'textbf' table batches --set /format='"latex"'
shows '^joint .*yes$|^joint .*no$|^100 % .*(yes|no)$' compare regimes batches
cp table.txt once.txt
shows 'bootstrap' compare regimes batches
cmp once.txt table.txt || fail "compare does not repeat"

# A copy without its runs: seeds alone.
mkdir -p copies && cp -r out/studies/batches copies/batches2
shows 'over seeds alone' compare batches copies/batches2

printf 'regime,budget,value,source\njoint,1,0.91,Doe 2024\n' >out/studies/batches/published.csv
shows 'published: Doe 2024; not measured here' table batches
printf 'regime,budget,value,source\njoint,1,91,Doe 2024\n' >out/studies/batches/published.csv
expect 65 'published.csv line 2, column value' "$EEXIT" analyze table batches
rm out/studies/batches/published.csv

expect 64 'takes two studies, found 1' "$EEXIT" analyze compare regimes
expect 64 'given twice' "$EEXIT" analyze table regimes out/studies/regimes
expect 65 'did you mean "train.batch"' "$EEXIT" analyze table batches --set '/rows=["train.bacth"]'
echo ok
