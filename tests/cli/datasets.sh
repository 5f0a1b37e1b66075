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

# Further test sets: collected when they are asked for, without training again.
python3 - <<'PY'
import pathlib, struct
def npy(path, descr, shape, data):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(11 + len(text)) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)
folder = pathlib.Path("spoilt")
folder.mkdir()
for name in "fog", "blur":
    npy(folder / f"{name}.npy", "|u1", (50, 32, 32, 3), bytes(i * len(name) % 251 for i in range(50 * 3072)))
npy(folder / "labels.npy", "|u1", (50,), bytes(range(50)))
PY
extra='/eval/extra=[{"name": "corruptions", "dir": "spoilt", "severities": [1, 5]}, {"name": "cifar100", "dir": "hundred"}]'
expect 66 '/eval/extra: test set blur/1: .* has no answers on it; eexit sweep' "$EEXIT" eval small --set "$extra"
"$EEXIT" sweep "${spec[@]}" --set "$extra" >table.txt 2>told
grep -q 'joint: [0-9]* steps' told && fail "test sets were trained for"
grep -q "eexit analyze table small --set '/rows=\[\"split\", \"arch\", \"method\", \"regime\"\]'" told ||
  { cat told; fail "nobody is told of the test sets"; }
"$EEXIT" analyze table small --set '/rows=["split", "regime"]' >splits.txt
for split in cal test blur/1 blur/5 fog/1 fog/5 cifar100; do grep -q "^$split " splits.txt || fail "no rows of $split"; done
[[ $(grep -c '^cifar100 ' splits.txt) == $(grep -c '^test ' splits.txt) ]] || fail "rows of cifar100"
python3 - <<'PY' || fail "a data set's test rows as a further test set"
import csv
rows = list(csv.DictReader(open("out/studies/small/results.csv")))
values = {split: [(r["budget"], r["metric"], r["value"], r["cost"]) for r in rows if r["split"] == split]
          for split in ("test", "cifar100", "fog/5")}
assert values["test"] == values["cifar100"] and len(values["fog/5"]) == len(values["test"]), values
PY
expect 65 'table: split: no split "fog/2"' "$EEXIT" analyze table small --set /split=fog/2
"$EEXIT" eval small --set '/eval/budgets=[0.5]' --quiet >/dev/null
for file in out/runs/*/exits-*.safetensors; do printf x >>"$file"; done
"$EEXIT" verify && fail "verify finds damaged answers on further test sets whole"
"$EEXIT" sweep "${spec[@]}" --set "$extra" >again.txt 2>told
grep -q 'collecting again' told && "$EEXIT" verify --quiet && cmp table.txt again.txt || fail "damaged answers on further test sets"

"$EEXIT" init letters.json --data letters 2>told
grep -q 'letters holds emnist, 26 samples to train on' told || { cat told; fail "emnist is not recognised"; }
grep -q '"split": "letters"' letters.json || fail "the split is not in the spec"
mkdir python && printf '\x80\x02}' >python/train
expect 66 'python: holds the Python version .*scripts/import cifar100 ' "$EEXIT" sweep "${spec[@]}" --set /defaults/data/dir=python
echo ok
