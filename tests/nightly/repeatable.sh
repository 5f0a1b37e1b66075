#!/usr/bin/env bash
# Two seeds of the three regimes with limit 5,000, twice from nothing: byte-equal results.csv.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for out in first second; do
  "${EEXIT:?the program}" sweep "$here/../../results/quickstart/spec.json" --out "$work/$out" --quiet \
    --set /defaults/data/limit=5000 --set '/grid/seed=[0, 1]' >/dev/null
done
cmp "$work"/first/studies/quickstart/results.csv "$work"/second/studies/quickstart/results.csv
