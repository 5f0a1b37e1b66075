#!/usr/bin/env bash
# Class means, pruning and lengths beside the protocol's, as a user has them: tables, exit codes, one line an error.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"

spec() {
  cat <<'JSON'
{"study": "means",
 "defaults": {"data": {"name": "fashion_mnist"}, "arch": {"name": "mlp", "widths": [24, 20, 16]}, "placement": {"after": [0, 1]},
              "method": {"name": "class_means"}, "regime": {"name": "phases", "phases": ["backbone"]},
              "train": {"protocol": {"name": "equal_epochs", "total": 3, "backbone": 1}, "batch": 50}},
 "grid": {"seed": [0, 1]},
 "include": [{"method": {"name": "class_means", "decision": "raw"}},
             {"method": {"name": "sdn"}, "regime": {"name": "phases", "phases": ["backbone", "heads"], "passes": [0, 0.5]}},
             {"method": {"name": "sdn"}, "regime": {"name": "prune_together", "rounds": 2, "rate": 0.3}},
             {"method": {"name": "sdn"}, "regime": {"name": "prune_separately", "rounds": 2, "rate": 0.3}},
             {"method": {"name": "sdn"}, "regime": {"name": "prune_together", "rounds": 1, "rate": 0.5, "by": "channels"}}],
 "eval": {"policies": [{"name": "exit_thresholds", "fit": "random", "draws": 200}, {"name": "threshold"}]}}
JSON
}
spec >means.json
sweep() { "$EEXIT" sweep "$@" --quiet; }

"$EEXIT" sweep means.json --dry-run >plan
grep -q 'memory: what heads hold besides weights' plan || fail "no word on the memory of means"
sweep means.json >table
grep -q 'prune_together-bychannels-rounds1-rate0.5' table || fail "no row of the run whose channels were pruned"

"$EEXIT" analyze class_means means >out.txt
# 10 (3 x 24 - 1) / 2 MACs, and 10 x 25 x 4 bytes.
grep -E -q '^class_means \(2\) +0 +24 +1\.0 +355 ' out.txt || { cat out.txt; fail "class_means"; }
"$EEXIT" analyze thresholds means >out.txt
grep -q 'disabled' out.txt || { cat out.txt; fail "thresholds"; }
"$EEXIT" analyze pruning means >out.txt
# 18,816 + 480 + 320 + 160 weights, heads of 240 and 200: 0.7 x 0.7 of them are left, but for what was rounded.
grep -E -q '^sdn, prune_together-rounds2-rate0.3 .* 50\.99 ' out.txt || { cat out.txt; fail "pruning"; }
# Half of the units of every layer: 784 x 12 + 12 x 10 + 10 x 8 + 8 x 10 weights, and heads of 120 and 100.
grep -E -q '^stage.0.weight .* 50\.0$' out.txt || { cat out.txt; fail "channels of the first layer"; }
grep -E -q '^stage.1.weight .* 75\.0$' out.txt || { cat out.txt; fail "channels of the second layer"; }
"$EEXIT" verify >/dev/null 2>&1 || fail "verify"
cp -r out/studies/means copy
expect 66 'the output folder is not beside this study' "$EEXIT" analyze class_means copy

# Done again, nothing is trained, and every byte is the same.
cp out/studies/means/results.csv before.csv
sweep means.json >/dev/null
cmp -s before.csv out/studies/means/results.csv || fail "results.csv changed without training"

# What is asked wrongly, and what turns out to be: one line and 65.
alone() { sweep means.json --set /include=[] --set '/grid={"seed": [0]}' "$@"; }
expect 65 '/defaults/regime: means of classes are those of a trained network' alone --set '/defaults/regime={"name": "joint"}'
expect 65 'means of 10 classes at 1 exits take [0-9.]+ MiB, more than memory allows \(1 MiB\)' \
  alone --set '/defaults/method/memory=1' --set '/defaults/arch/widths=[40000, 8]' --set '/defaults/placement={"after": [0]}'
expect 65 'learns from labels; clusters need arch autoencoder' alone --set '/defaults/method/labels=clusters'
first=$(ls -d out/phases/*/ | head -n 1)
expect 65 'does not fit the architecture' alone --set "/defaults/arch={\"name\": \"resnet\", \"depth\": 8, \"weights\": \"$first/weights.safetensors\"}"
prune() { alone --set '/defaults/method={"name": "sdn"}' --set "/defaults/regime=$1"; }
expect 65 'prune 1: .* would lose its last weight' prune '{"name": "prune_together", "rounds": 1, "rate": 1}'
expect 65 'batches: expected an integer in \[1, 100000\], found 0' prune '{"name": "prune_together", "by": "gradient", "batches": 0}'
expect 65 'without: no weight.s name begins with "stage.9."' prune '{"name": "prune_together", "without": ["stage.9."]}'
expect 65 'allow_empty: has no effect with channels' prune '{"name": "prune_together", "by": "channels", "allow_empty": true}'

# A network from a file, fitted and not trained.
plain=$(python3 - <<'PY'
import json, glob
for name in glob.glob("out/phases/*/phase.json"):
    phase = json.load(open(name))["canonical"]["phase"]
    if phase["name"] == "backbone":
        print(name.replace("phase.json", "weights.safetensors"))
        break
PY
)
sweep means.json --set /include=[] --set '/grid={"seed": [0]}' --set '/defaults/regime={"name": "phases"}' \
  --set "/defaults/arch/weights=$plain" --set /study=file --set /eval/plain=false >table
grep -q 'class_means' table || fail "class means of a network from a file"

# A length in seconds is timed once and remembered.
seconds() { alone --set /study=timed --set /eval/plain=false --set '/defaults/method={"name": "sdn"}' \
  --set '/defaults/regime={"name": "phases", "phases": ["joint"], "seconds": [0.2]}' "$@"; }
seconds >/dev/null
steps=$(ls -d out/runs/*seconds0.2*)
seconds >/dev/null
[[ $(ls -d out/runs/*seconds0.2*) == "$steps" ]] || fail "the same seconds became other steps"
echo "class means and pruning: ok"
