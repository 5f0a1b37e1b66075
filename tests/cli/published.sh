#!/usr/bin/env bash
# The README's ten lines of Python recount a table from exits.safetensors.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
small_spec >spec.json
"$EEXIT" sweep spec.json --quiet >/dev/null
id=$(basename "$(ls -d out/runs/*-joint-*)")
sed -n '/^```python$/,/^```$/p' "$here/../../README.md" | sed '1d;$d' >recount.py
[[ $(wc -l <recount.py) -le 10 ]] || fail "the README promises ten lines"
knob=$(grep "$id,.*,test,threshold,max_probability," out/studies/small/results.csv | grep ',1,accuracy,' | cut -d, -f15)
python3 recount.py out/runs/"$id"/exits.safetensors "$knob" >recounted.txt
want=$(grep "$id,.*,test,threshold,max_probability," out/studies/small/results.csv | grep ',1,accuracy,' | cut -d, -f18)
python3 -c 'import sys; a, b = map(float, sys.argv[1:]); sys.exit(abs(a - b) > 1e-9)' \
  "$(cut -d' ' -f1 recounted.txt)" "$want" || { cat recounted.txt; fail "recounted accuracy is not $want"; }
echo ok
