#!/usr/bin/env bash
# Every kind of bad input: the right exit code, one line that says where and what, nothing lost.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
small_spec >good.json
sweep() { "$EEXIT" sweep "$@" --quiet; }
edited() { sed "$1" good.json >bad.json; }

expect 64 'no command "swep"; did you mean "sweep"' "$EEXIT" swep
expect 64 'expected SPEC' "$EEXIT" sweep
expect 64 'see eexit sweep --help' "$EEXIT" sweep good.json --fast
expect 64 'no run "nothing"' sweep good.json --only nothing
expect 64 'expected /pointer=value' sweep good.json --set limit=5
expect 64 '--device tpu: expected cpu, cuda or cuda:N' sweep good.json --device tpu
expect 64 'expands to 3 runs' "$EEXIT" train good.json
expect 66 'missing.json: no such file' sweep missing.json
expect 66 'no study' "$EEXIT" analyze table nowhere

edited 's/"placement"/"placment"/'
expect 65 'bad.json /defaults/placment: unknown key "placment"; did you mean "placement"' sweep bad.json
edited 's/"batch": 50/"batch": 50, "batch": 60/'
expect 65 'bad.json /defaults/train/batch: key "batch" is written twice' sweep bad.json
edited 's/"batch": 50/"batch": "50"/'
expect 65 'bad.json /defaults/train/batch: expected an integer in \[1, 65536\], found "50"' sweep bad.json
edited 's/"batch": 50/"batch": 0/'
expect 65 'bad.json /defaults/train/batch: expected an integer in \[1, 65536\], found 0' sweep bad.json
edited 's/"batch": 50/"batch": 901/'
expect 65 'bad.json /defaults/train/batch: expected at most the 900 training rows, found 901' sweep bad.json
edited 's/"mixed"/"mixd"/'
expect 65 'bad.json /grid/regime/2/name: no regime "mixd"; did you mean "mixed"' sweep bad.json
edited 's/\[0, 1\]/[0, 7]/'
expect 65 'bad.json /defaults/placement/after/1: no stage "7"' sweep bad.json
edited 's/\[0, 1\]/[0, 2]/'
expect 65 'bad.json /defaults/placement/after/1: an exit after the last block' sweep bad.json
edited 's/\[0, 1\]/[1, 1]/'
expect 65 'bad.json /defaults/placement/after/1: two exits at one place' sweep bad.json
edited 's/"seed": \[0\]/"seed": []/'
expect 65 'bad.json /grid/seed: .*expands to nothing' sweep bad.json
python3 - >bad.json <<'PY'
import json
print(json.dumps({"study": "many", "grid": {"seed": list(range(400)), "/train/batch": list(range(1, 401))}}))
PY
expect 65 'bad.json /grid: expands to more than 100,000 runs' sweep bad.json
python3 -c 'print("[" * 40 + "]" * 40)' >bad.json
expect 65 'bad.json.*nested deeper than 32 levels' sweep bad.json
python3 -c 'print("{\"study\": \"" + "a" * 1100000 + "\"}")' >bad.json
expect 65 'bad.json.*1 MiB' sweep bad.json
printf '{"study": "a\xff"}' >bad.json
expect 65 'bad.json.*UTF-8' sweep bad.json

# Data folders.
folder() {
  rm -rf data && mkdir data
  for file in "$EEXIT_DATA"/*.gz; do gzip -dc "$file" >"data/$(basename "$file" .gz)"; done
}
with_data() { sweep good.json --set /defaults/data/dir=data; }
expect 66 'data.*(no such folder|not a folder|missing|no folder)' with_data
folder && rm data/train-labels-idx1-ubyte
expect 66 'train-labels-idx1-ubyte' with_data
folder && echo '<!DOCTYPE html><html>' >data/train-images-idx3-ubyte
expect 65 'train-images-idx3-ubyte: .*HTML' with_data
folder && printf 'version https://git-lfs.github.com/spec/v1\n' >data/train-images-idx3-ubyte
expect 65 'train-images-idx3-ubyte: .*LFS' with_data
folder && : >data/train-images-idx3-ubyte
expect 65 'train-images-idx3-ubyte: .*(empty|0 bytes)' with_data
folder && truncate -s -1 data/train-images-idx3-ubyte
expect 65 'train-images-idx3-ubyte: .*784015' with_data
folder && printf x >>data/train-images-idx3-ubyte
expect 65 'train-images-idx3-ubyte: .*extra byte' with_data
folder && printf '\x01' | dd of=data/train-images-idx3-ubyte conv=notrunc bs=1 seek=0 status=none
expect 65 'train-images-idx3-ubyte: .*magic' with_data
folder && cp data/train-images-idx3-ubyte data/train-labels-idx1-ubyte
expect 65 'train-labels-idx1-ubyte: .*3-D image' with_data
folder && printf '\x0b' | dd of=data/train-labels-idx1-ubyte conv=notrunc bs=1 seek=20 status=none
expect 65 'train-labels-idx1-ubyte: .*label 11' with_data

# A results folder that cannot be written, whoever runs this.
touch blocked
expect 74 'blocked' sweep good.json --out blocked
# Nothing was written by all this.
[[ ! -e out/studies && ! -e out/phases ]] || fail "a refused spec left something behind"

# A checkpoint of another format: refused, not overwritten.
sweep good.json --out kept >/dev/null
phase=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["phases"][-1]["key"])' kept/runs/*/run.json)
rm kept/phases/"$phase"/phase.json kept/runs/*/metrics.json
python3 - kept/phases/"$phase" <<'PY'
import hashlib, json, sys
header = {"__metadata__": {"digest": "0" * 64, "format": "99", "phase": sys.argv[1].split("/")[-1]}}
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
data = len(text).to_bytes(8, "little") + text
data = data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode())
open(sys.argv[1] + "/checkpoint-7.safetensors", "wb").write(data)
PY
expect 65 'checkpoint-7.safetensors: checkpoint of format "99", expected 2' sweep good.json --out kept
[[ -e kept/phases/$phase/checkpoint-7.safetensors && -e kept/studies/small/results.csv ]] || fail "something was lost"
echo ok
