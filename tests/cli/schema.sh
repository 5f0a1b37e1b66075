#!/usr/bin/env bash
# The schema as an independent validator sees it: it takes the specs there are and refuses slips that the program
# refuses, and the copy beside the published studies is the program's own.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
python=''
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import jsonschema' 2>/dev/null; then python=$candidate; break; fi
done
[[ -n $python ]] || fail "no python3 here has jsonschema; scripts/setup --target all installs python3-jsonschema"

"$EEXIT" schema >eexit.schema.json
cmp eexit.schema.json "$here/../../results/eexit.schema.json" ||
  fail "results/eexit.schema.json is another schema than eexit schema prints; scripts/approve writes it"

# validate FILE...: prints "FILE: message" for each that the schema refuses.
validate() {
  "$python" - "$@" <<'PY'
import json, sys
from jsonschema import Draft7Validator
schema = json.load(open("eexit.schema.json"))
assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
Draft7Validator.check_schema(schema)
for path in sys.argv[1:]:
    error = next(Draft7Validator(schema).iter_errors(json.load(open(path))), None)
    if error:
        print(f"{path}: {error.message[:200]}")
PY
}

# Specs that are good.
small_spec >small.json
"$EEXIT" init start/spec.json --quiet
cmp eexit.schema.json start/eexit.schema.json
awk '/^```json$/ { on = 1; next } /^```$/ { if (on) exit } on' "$here/../../README.md" >readme.json
# A run as it is resolved is a spec's defaults.
"$EEXIT" sweep small.json --dry-run --json 2>/dev/null |
  "$python" -c 'import json, sys; print(json.dumps({"study": "s", "defaults": json.load(sys.stdin)["runs"][0]["spec"]}))' >resolved.json
refused=$(validate small.json start/spec.json readme.json resolved.json "$here"/../../results/*/spec.json)
[[ -z $refused ]] || fail "good specs are refused: $refused"

# Slips in types, bounds and names: the program refuses them (65), and so must the schema.
bad=0
slip() {
  bad=$((bad + 1))
  sed "$1" small.json >"bad_$bad.json"
  if cmp -s small.json "bad_$bad.json"; then fail "no slip made by $1"; fi
  expect 65 "bad_$bad.json" "$EEXIT" sweep "bad_$bad.json" --dry-run
}
slip 's/"placement"/"placment"/'
slip 's/"batch": 50/"batch": "50"/'
slip 's/"batch": 50/"batch": 0/'
slip 's/"mixed"/"mixd"/'
slip 's/"seed": \[0\]/"seed": []/'
slip 's/"seed": \[0\]/"seed": 0/'
slip 's/"grid"/"gird"/'
slip 's/"widths": \[24/"widths": [0/'
slip 's/"widths": \[24, 24, 24\]/"depth": 20/'
slip 's/"after": \[0, 1\]/"after": [0], "count": 1/'
slip 's/"total": 3/"totl": 3/'
slip 's/"name": "fashion_mnist"/"name": "fashion_mnist", "limit": 0/'
slip 's/{"arch": {"name": "mlp", "widths": \[12\]}}/{"seed": 3}/'
slip 's/"study": "small"/"study": "Small"/'
files=()
for ((i = 1; i <= bad; i++)); do files+=("bad_$i.json"); done
validate "${files[@]}" >refused.txt
for file in "${files[@]}"; do
  grep -q "^$file: " refused.txt || { diff small.json "$file"; fail "the schema takes $file"; }
done
echo ok
