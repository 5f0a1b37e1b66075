#!/usr/bin/env bash
# Data sets through the program: two sets of labels in one file are two sets, and a folder is recognised with parameters.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"

python3 - <<'PY'
import pathlib, struct
hundred, letters = pathlib.Path("hundred"), pathlib.Path("letters")
hundred.mkdir(), letters.mkdir()
for name, rows in ("train", 400), ("test", 40):
    (hundred / f"{name}.bin").write_bytes(b"".join(
        bytes([row % 20, row % 100]) + bytes((row * 7 + i) % 256 for i in range(3072)) for row in range(rows)))
for part in "train", "test":
    stem = f"emnist-letters-{part}-"
    (letters / (stem + "images-idx3-ubyte")).write_bytes(struct.pack(">4I", 0x803, 26, 28, 28) + bytes(26 * 784))
    (letters / (stem + "labels-idx1-ubyte")).write_bytes(struct.pack(">2I", 0x801, 26) + bytes(range(1, 27)))
PY

small_spec >base.json
spec=(base.json --set '/defaults/data={"name": "cifar100", "dir": "hundred"}' --set '/grid={"seed": [0]}' --set /rivals=[]
  --set '/defaults/regime={"name": "joint"}')
"$EEXIT" sweep "${spec[@]}" --quiet >/dev/null
"$EEXIT" sweep "${spec[@]}" --quiet --set /defaults/data/labels=coarse --set /study=coarse >/dev/null
python3 - <<'PY' || fail "fine and coarse labels"
import csv, glob, json, struct
classes = set()
for path in glob.glob("out/runs/*/exits.safetensors"):
    raw = open(path, "rb").read()
    classes.add(json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]])["test.logits"]["shape"][2])
assert classes == {20, 100}, classes
PY

"$EEXIT" init letters.json --data letters 2>told
grep -q 'letters holds emnist, 26 samples to train on' told || { cat told; fail "emnist is not recognised"; }
grep -q '"split": "letters"' letters.json || fail "the split is not in the spec"
mkdir python && printf '\x80\x02}' >python/train
expect 66 'python: holds the Python version .*scripts/import cifar100 ' "$EEXIT" sweep "${spec[@]}" --set /defaults/data/dir=python
echo ok
