#!/usr/bin/env bash
# Sixty kills (worker, supervisor, all) over a grid of 48 cells with two workers; thirty during a quickstart on small data.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
EEXIT_DATA=$here/../fixtures/fashion-mnist OMP_NUM_THREADS=1 \
  "$here"/../support/kill_campaign "${EEXIT:?the program}" "$here"/../support/grid48.json 60 --jobs 2 --threads 2
rm -rf whole killed
"$here"/../support/kill_campaign "$EEXIT" "$here/../../results/quickstart/spec.json" 30 \
  --set /defaults/data/limit=1200 --set /defaults/train/checkpoint_seconds=0.3 --threads 1
