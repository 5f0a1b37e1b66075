#!/usr/bin/env bash
# TensorBoard itself reads what `eexit sweep --tensorboard` wrote: each node's journal, tag by tag, also after a kill.
# Installs TensorBoard into a temporary folder: needs python3 with venv, and a package index.
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh.inc"

python3 -m venv venv
venv/bin/pip install --quiet tensorboard >pip.log 2>&1 || { cat pip.log >&2; fail "cannot install TensorBoard"; }

cat >compare.py <<'PYTHON'
import json, pathlib, struct, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

def as_float(x): return struct.unpack("f", struct.pack("f", x))[0]

# The exits of this spec are 0, 1, last: their order is that of their names.
def of_journal(path):
    series = {}
    for line in map(json.loads, path.read_text().splitlines()):
        add = lambda tag, value: series.setdefault(tag, []).append((line["steps"], as_float(value)))
        names = ["0", "1", "last"] if len(line["val"]["loss"]) == 3 else ["last"]
        for split in "train", "val":
            for metric in "loss", "accuracy":
                values = line[split][metric]
                assert len(values) == len(names), path
                for name, value in zip(names, values): add(f"{split}/{metric}/exit_{name}", value)
        add("lr", line["lr"])
    return series

def of_tensorboard(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    series = {tag: [(s.step, s.value) for s in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}
    rates = series.pop("images_per_second")
    assert all(rate > 0 for _, rate in rates), folder
    assert [step for step, _ in rates] == [step for step, _ in series["lr"]], folder
    return series

journals = {path.parent.name: of_journal(path) for path in pathlib.Path(sys.argv[1]).glob("phases/*/journal.jsonl")}
runs = {path.name: of_tensorboard(path) for path in pathlib.Path(sys.argv[2]).iterdir()}
assert journals and len(journals) == len(runs), f"{len(journals)} journals, {len(runs)} runs: {sorted(runs)}"
for key, journal in journals.items():
    same = [name for name, run in runs.items() if run == journal]
    assert len(same) == 1, f"phase {key}: {len(same)} runs tell the same; runs: {sorted(runs)}"
print(len(runs), "runs agree with their journals")
PYTHON
compare() { venv/bin/python compare.py "$1" "$2" 2>compare.log || { cat compare.log >&2; fail "$2 does not tell what the journals of $1 tell"; }; }

small_spec >spec.json
"$EEXIT" sweep spec.json --out whole --tensorboard whole.tb --quiet >/dev/null
compare whole whole.tb
# Nothing is left to do: nothing is told twice.
"$EEXIT" sweep spec.json --out whole --tensorboard whole.tb --quiet >/dev/null
compare whole whole.tb

# All processes killed while training: epochs behind the last checkpoint are trained, and told, again.
longer=(sweep spec.json --set /defaults/train/protocol/total=60 --out killed --tensorboard killed.tb --quiet)
setsid "$EEXIT" "${longer[@]}" >/dev/null 2>&1 &
group=$!
for _ in $(seq 200); do [[ -n $(find killed/phases -name 'checkpoint-*' 2>/dev/null) ]] && break; sleep 0.05; done
kill -KILL -- "-$group" || fail "the sweep ended before it could be killed"
wait "$group" || true
sleep 1.1 # files of one second could be read in the wrong order
"$EEXIT" "${longer[@]}" >/dev/null
compare killed killed.tb
