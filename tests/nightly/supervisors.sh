#!/usr/bin/env bash
# Two to four supervisors on one folder, ten times: each node is trained exactly once, results as by one alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export EEXIT_DATA=$here/../fixtures/fashion-mnist OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
sweep() { "${EEXIT:?the program}" sweep "$here"/../support/grid48.json --quiet --threads 1 "$@" \
  --set '/defaults/train/protocol={"name": "equal_epochs", "total": 3, "backbone": 2}' --set '/grid/seed=[0]' >/dev/null; }
sweep --out alone
for repeat in $(seq 10); do
  count=$((2 + repeat % 3)) pids=()
  rm -rf out
  for _ in $(seq $count); do
    sweep --out out &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  cmp alone/studies/grid48/results.csv out/studies/grid48/results.csv
  python3 - out <<'PYTHON'
import collections, json, pathlib, sys
out = pathlib.Path(sys.argv[1])
done = collections.Counter(event["node"] for event in map(json.loads, (out / "studies/grid48/events.jsonl").open())
                           if event["event"] == "node_done")
nodes = [p.name for p in (out / "phases").iterdir()] + [p.name for p in (out / "runs").iterdir()]
wrong = [n for n in nodes if done[n] != 1]
assert nodes and not wrong, f"not done exactly once: {wrong}"
PYTHON
done
echo '10 repeats: each node done exactly once'
