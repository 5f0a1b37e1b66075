#!/usr/bin/env bash
# Thirty kills during a quickstart on small data: ResNets, the three regimes, plain and rival.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$here"/../support/kill_campaign "${EEXIT:?the program}" "$here/../../results/quickstart/spec.json" 30 \
  --set /defaults/data/limit=1200 --set /defaults/train/checkpoint_seconds=0.3 --threads 1
