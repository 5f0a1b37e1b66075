#!/usr/bin/env bash
# A store as a user looks after it: a starter spec, the runs there are, and damage that is found.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"

# init: a spec that plans, and never a second one over it.
"$EEXIT" init 2>next.txt
grep -q 'eexit sweep spec.json --dry-run' next.txt || fail "init does not say how to go on"
EEXIT_DATA='' "$EEXIT" sweep spec.json --dry-run >plan.txt
grep -q 'starter: 4 runs' plan.txt || fail "the starter spec does not expand to four runs"
cp spec.json before.json
expect 64 'spec.json: is there already' "$EEXIT" init
cmp spec.json before.json
"$EEXIT" init fixture.json --data "$EEXIT_DATA" 2>found.txt
grep -q 'holds fashion_mnist, 1,000 samples' found.txt || fail "init did not recognise the fixture"
"$EEXIT" sweep fixture.json --dry-run >plan.txt
mkdir empty
expect 66 'empty: no data set that is known; looked for .*train-images-idx3-ubyte.*fashion_mnist, kmnist, mnist' \
  "$EEXIT" init other.json --data empty
expect 66 'nowhere: no such folder' "$EEXIT" init other.json --data nowhere
[[ ! -e other.json && ! -e out ]] || fail "a refused init left something behind"

small_spec >small.json
"$EEXIT" sweep small.json --quiet >/dev/null

# list runs
"$EEXIT" list runs >runs.txt
grep -q '^5 runs' runs.txt || fail "expected five runs"
"$EEXIT" list runs --where regime=mixed --where train.batch=50 --json |
  python3 -c '
import json, sys
(run,) = json.load(sys.stdin)
metrics = json.load(open("out/runs/" + run["run"] + "/metrics.json"))
assert run["accuracy"] == metrics["test"][-1]["accuracy"], run
assert (run["status"], run["seed"], run["arch"]) == ("done", 0, "mlp-24+24+24"), run'
[[ $("$EEXIT" list runs --where train.batch=51 --json) == '[]' ]] || fail "no run has this batch"
expect 64 'no key "regmie"; did you mean "regime"' "$EEXIT" list runs --where regmie=mixed
expect 64 'expected KEY=VALUE' "$EEXIT" list runs --where regime
expect 64 '--where: is for eexit list runs' "$EEXIT" list arch --where regime=mixed
expect 66 'nowhere/runs: no such folder' "$EEXIT" list runs --out nowhere

# verify: nothing found, nothing changed; then one bit.
find out -type f -exec sha256sum {} + | sort >before.txt
"$EEXIT" verify >verified.txt
[[ $(cat verified.txt) == '6 phases, 5 runs, 1 studies checked; 0 problems' ]] || { cat verified.txt; fail "verify"; }
phase=$(ls -d out/phases/* | head -n 1)
python3 - "$phase/weights.safetensors" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-5] ^= 1
open(sys.argv[1], "wb").write(data)
PY
status=0
"$EEXIT" verify >verified.txt || status=$?
[[ $status == 74 ]] || fail "exit code $status of verify, expected 74"
grep -q "^$phase/weights.safetensors: .*digest" verified.txt || { cat verified.txt; fail "the flipped bit was not found"; }
tail -n 1 verified.txt | grep -q '; 1 problems$' || fail "expected one problem"
"$EEXIT" verify --json >verified.json || true
python3 -c 'import json; assert len(json.load(open("verified.json"))["problems"]) == 1'
expect 66 'nowhere: no such folder' "$EEXIT" verify --out nowhere
find out -type f -exec sha256sum {} + | sort >after.txt
[[ $(diff before.txt after.txt | grep -c '^>') == 1 ]] || fail "verify changed something"
echo ok
