#!/usr/bin/env bash
# What sharing saves: a grid of 36 cells against each cell alone, training MACs and wall time, both at most 0.60.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export EEXIT_DATA=$here/../fixtures/fashion-mnist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >spec.json <<'JSON'
{"study": "sharing",
 "defaults": {"data": {"name": "fashion_mnist"}, "arch": {"name": "resnet", "depth": 14}, "placement": {"after": [0, 2, 3]},
              "train": {"protocol": {"name": "equal_epochs", "total": 3, "backbone": 2}, "batch": 64}},
 "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}],
          "method": [{"name": "sdn", "pool": 1}, {"name": "sdn", "pool": 2}, {"name": "sdn", "pool": 4},
                     {"name": "sdn", "head": "average"}],
          "seed": [0, 1, 2]},
 "eval": {"plain": false}}
JSON
python3 - "${EEXIT:?the program}" <<'PYTHON'
import json, subprocess, sys, time

program = sys.argv[1]
def call(*words):
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout
plan = json.loads(call("sweep", "spec.json", "--dry-run", "--json"))
to_do = plan["to_do"]
macs = to_do["training_macs"] / to_do["training_macs_alone"]
ids = [run["id"] for run in plan["runs"]]
assert len(ids) == 36
# Arms by turns: a part of the grid (one seed), then its cells one by one.
shared = alone = 0.0
for seed in range(3):
    started = time.time()
    call("sweep", "spec.json", "--quiet", "--threads", "1", "--out", "shared", "--set", f"/grid/seed=[{seed}]")
    shared += time.time() - started
    for number, run in enumerate(i for i in ids if f"-s{seed}-" in i):
        started = time.time()
        call("train", "spec.json", "--quiet", "--threads", "1", "--out", f"alone-{seed}-{number}", "--only", run)
        alone += time.time() - started
print(f"36 cells, shared against each alone: training MACs {macs:.3f}, wall time {shared / alone:.3f} ({shared:.0f} s against {alone:.0f} s)")
assert macs <= 0.60 and shared / alone <= 0.60
PYTHON
