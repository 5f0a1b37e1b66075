#!/usr/bin/env bash
# The commands as a user meets them: a small sweep, the same again, other rules, analyses, samples, help.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
small_spec >spec.json

"$EEXIT" --version | grep -q '^eexit '
for command in train sweep eval analyze bench list; do
  "$EEXIT" $command --help >help.txt
  for flag in --out --set --dry-run --json --only --threads --device --fresh --quiet --verbose --version; do
    grep -q -e "$flag" help.txt || fail "$command --help does not tell $flag"
  done
done
"$EEXIT" list >list.txt
for word in resnet mlp fashion_mnist mnist sdn disjoint joint mixed phases threshold fixed patience table cost_curve; do
  grep -q "$word" list.txt || fail "list does not name $word"
done
"$EEXIT" list --json | python3 -m json.tool >/dev/null

"$EEXIT" sweep spec.json --dry-run >plan.txt 2>/dev/null
[[ ! -e out ]] || fail "a dry run wrote something"
"$EEXIT" sweep spec.json --dry-run --json | python3 -m json.tool >/dev/null
grep -q shared plan.txt || fail "the dry run does not say what is shared"

"$EEXIT" sweep spec.json >first.txt 2>first.err
cp out/studies/small/results.csv first.csv
"$EEXIT" sweep spec.json >second.txt 2>second.err
cmp first.txt second.txt
cmp first.csv out/studies/small/results.csv
grep -q 'steps at most' second.err && fail "the second sweep trained"
for file in spec.json results.csv curves.csv runs.csv table.md env.json cost_curve.svg cost_curve.png; do
  [[ -s out/studies/small/$file ]] || fail "$file is missing"
done
[[ $(find out/phases -name phase.json | wc -l) == 6 ]] || fail "expected six phases: mixed and disjoint share a backbone"

# train: one run beside plain and rivals, alone in a store of its own, equals the sweep's.
id=$("$EEXIT" sweep spec.json --dry-run --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["runs"][1]["id"])')
"$EEXIT" train spec.json --only "$id" --out alone --quiet >/dev/null
cmp out/runs/"$id"/exits.safetensors alone/runs/"$id"/exits.safetensors

"$EEXIT" train spec.json --only "$id" --quiet >/dev/null
cmp first.csv out/studies/small/results.csv  # one run alone must not take the others' rows away

# What is damaged in the store is made again, to the same bytes.
printf x >>out/runs/"$id"/exits.safetensors
for phase in $(python3 -c 'import json, sys; print(*(p["key"] for p in json.load(open(sys.argv[1]))["phases"]))' out/runs/*-disjoint-*/run.json); do
  truncate -s 100 out/phases/"$phase"/weights.safetensors
done
rm out/runs/*-disjoint-*/metrics.json
"$EEXIT" sweep spec.json --quiet >again.txt 2>again.err
cmp first.txt again.txt
cmp first.csv out/studies/small/results.csv
grep -q 'collecting again' again.err || fail "a damaged exits.safetensors went unnoticed"
[[ $(grep -c 'training this phase again' again.err) == 2 ]] || fail "damaged weights went unnoticed"

"$EEXIT" eval small --set '/eval/policies=[{"name": "patience"}, {"name": "threshold", "confidence": "entropy"}]' \
  --samples samples.csv --budget 1 --quiet >eval.txt
head -n 1 samples.csv | grep -q 'index,label,exit,prediction,confidence' || fail "samples.csv has other columns"
[[ $(wc -l <samples.csv) == 3001 ]] || fail "expected 3 runs x 2 rules x 500 samples"
cmp first.csv out/studies/small/results.csv
"$EEXIT" analyze table small --set '/rows=["regime", "seed"]' --set /metric=auc --quiet >/dev/null
"$EEXIT" analyze cost_curve small --quiet >/dev/null
"$EEXIT" analyze learning_curves small --quiet >/dev/null
[[ -s out/studies/small/learning_curves.svg ]] || fail "no learning curves"
"$EEXIT" analyze table small --json | python3 -m json.tool >/dev/null
"$EEXIT" bench exits small --rounds 1 --samples 64 --budget max --quiet >bench.txt
grep -q 'speed-up measured' bench.txt || fail "bench exits says no speed-up"

# A study of the same name with another spec: the files of the first are kept.
"$EEXIT" sweep spec.json --set /eval/budgets=[0.5] --quiet >/dev/null
cmp first.csv out/studies/small/previous-*/results.csv

# A diverging run is a failed row, the others go on, exit code 1.
expect 1 '' "$EEXIT" sweep spec.json --set /study=diverging --set '/grid/regime=[{"name": "joint"}, {"name": "mixed"}]' \
  --set '/defaults/train/regimes={"joint": {"joint": {"optimizer": {"name": "sgd", "lr": 900}}}}' --quiet
grep -q 'joint, step [0-9]*, exit [0-9] of 3: the loss is' stderr || { cat stderr >&2; fail "no phase, step and exit named"; }
grep -q ',failed,' out/studies/diverging/results.csv || fail "no failed row"
grep -q 'mixed' stdout || fail "the other run has no row"
# Told once for what failed and once for what needs it; a trial that diverged is an answer.
told() { python3 -c 'import json, sys
events = [json.loads(line) for line in open("out/studies/" + sys.argv[1] + "/events.jsonl")]
print(*sorted(e["event"] for e in events if "reason" in e))' "$1"; }
[[ $(told diverging) == 'node_failed node_failed' ]] || fail "told of the diverging run: $(told diverging)"
"$EEXIT" sweep spec.json --status --set /study=diverging --set '/grid/regime=[{"name": "joint"}, {"name": "mixed"}]' \
  --set '/defaults/train/regimes={"joint": {"joint": {"optimizer": {"name": "sgd", "lr": 900}}}}' >status.txt
[[ $(grep -c '^failed' status.txt) == 2 ]] || { cat status.txt; fail "expected a phase and the run that needs it"; }
"$EEXIT" sweep spec.json --quiet --set /study=tuned --set '/grid/regime=[{"name": "joint"}]' \
  --set '/defaults/train/optimizer={"name": "sgd", "lr": {"tune": [0.05, 900]}}' --set /eval/plain=false --set /rivals=[] >/dev/null
[[ $(told tuned) == node_done ]] || fail "told of the diverged trial: $(told tuned)"
# A trial costs what was really trained of it, and all trials count for the run.
python3 - <<'PYTHON' || fail 'training MACs of trials'
import csv, glob, json
trials = list(csv.DictReader(open("out/studies/tuned/tuning.csv")))
good, bad = (float(next(t["training_macs"] for t in trials if bool(t["value"]) == has)) for has in (True, False))
assert 0 < bad < good, (bad, good)
row = next(csv.DictReader(open("out/studies/tuned/results.csv")))
keys = next(csv.DictReader(open("out/studies/tuned/runs.csv")))["phases"].split(";")
own = sum(json.load(open(f"out/phases/{key}/phase.json"))["training_macs"] for key in keys)
assert abs(float(row["training_macs"]) - own - bad - good) < 1e-6 * own, row["training_macs"]
PYTHON
# Heads that stand on one trunk are one process: more workers do not make the estimate shorter.
estimate() { "$EEXIT" sweep spec.json --dry-run --set '/grid={"head_seed": [1, 2, 3, 4]}' --set /defaults/seed=7 \
  --set '/defaults/regime={"name": "disjoint"}' --set /eval/plain=false --set /rivals=[] --json "$@" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["to_do"]["time"].split(" with ")[0])'; }
[[ $(estimate --threads 1) == 'about '* && $(estimate --threads 1) == "$(estimate --threads 8 --jobs 8)" ]] ||
  fail "$(estimate --threads 1) by one, $(estimate --threads 8 --jobs 8) by eight"
# Runs that diverge are failed rows, told apart by their settings; code 1, and a table all the same.
"$EEXIT" sweep spec.json --quiet --out bad --set '/grid/~1train~1optimizer=[{"lr": 0.05}, {"lr": 1000, "weight_decay": 10}]' >bad.txt 2>bad.err && fail "code 0 with failed runs"
grep -q 'train.optimizer.lr' bad.txt || { cat bad.txt; fail "rows of two rates are not told apart"; }
grep -q '(0/1)' bad.txt || { cat bad.txt; fail "no failed row"; }
status=0
"$EEXIT" sweep spec.json --quiet --out worse --set '/defaults/train/optimizer={"lr": 1000, "weight_decay": 10}' >worse.txt 2>worse.err || status=$?
[[ $status == 1 ]] || { cat worse.err; fail "exit code $status when every run failed, expected 1"; }
expect 66 'no run is finished yet' "$EEXIT" sweep spec.json --out nothing --tables
expect 64 'expected one of --dry-run' "$EEXIT" sweep spec.json --status --cancel
expect 64 'expected 1 to 1024, found x' "$EEXIT" sweep spec.json --jobs x
echo ok
