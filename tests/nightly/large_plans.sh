#!/usr/bin/env bash
# Plan and dry run of 10,000 cells: under 3 s and 300 MB. Second run of a finished sweep of 200 cells: under 3 s, and nothing
# is trained.
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh.inc"

# measured NAME MOST_MIB COMMAND...: at most three seconds and so much memory; prints both.
measured() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
name, most, *command = sys.argv[1:]
begun = time.monotonic()
subprocess.run(command, check=True, stdout=open("stdout", "w"), stderr=open("stderr", "w"))
seconds = time.monotonic() - begun
mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{name}: {seconds:.2f} s, {mebibytes:.0f} MiB")
assert seconds < 3, "more than 3 s"
assert mebibytes < float(most), f"more than {most} MiB"
PYTHON
}

cat >large.json <<'JSON'
{"study": "large",
 "defaults": {"data": {"name": "fashion_mnist"}, "arch": {"name": "mlp", "widths": [8, 8]}, "placement": {"after": [0]},
              "train": {"protocol": {"name": "equal_epochs", "total": 2, "backbone": 1}, "batch": 100}},
 "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}], "seed": []},
 "eval": {"plain": false}}
JSON
# cells N: the spec with N cells.
cells() { python3 -c 'import json, sys
spec = json.load(open("large.json"))
spec["grid"]["seed"] = list(range(int(sys.argv[1]) // 2))
json.dump(spec, sys.stdout)' "$1"; }

cells 10000 >10000.json
"$EEXIT" sweep 10000.json --dry-run >/dev/null 2>&1  # facts of data and networks, and pages of the program
measured 'plan and dry run of 10,000 cells' 300 "$EEXIT" sweep 10000.json --dry-run
grep -q 'large: 10000 runs' stdout || fail 'not 10,000 cells'
cells 200 >200.json
"$EEXIT" sweep 200.json --quiet --jobs 2 --threads 2 >first.txt
find out/phases out/runs -type f -exec stat -c '%n %Y %s' {} + | sort >before.txt
measured 'second run of a finished sweep of 200 cells' 1024 "$EEXIT" sweep 200.json
cmp first.txt stdout
find out/phases out/runs -type f -exec stat -c '%n %Y %s' {} + | sort >after.txt
cmp before.txt after.txt || fail 'the second run wrote something'
[[ $(grep -c '^\[sweep\]' stderr) == 0 ]] || { cat stderr; fail 'the second run trained'; }
