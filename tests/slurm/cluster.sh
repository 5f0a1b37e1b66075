#!/usr/bin/env bash
# What core/sweep/slurm asks of a real Slurm: arrays, dependencies, pre-emption, time limits, cancelling. About 3 minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
plain_tests=${PLAIN_TESTS:-$here/../../build/release/plain_tests}
work=$(mktemp -d)
chmod 755 "$work"  # munged runs as a user of its own
trap '"$here"/../support/slurm_cluster stop "$work" || true; rm -rf "$work"' EXIT
SLURM_CONF=$("$here"/../support/slurm_cluster start "$work")
export SLURM_CONF
"$plain_tests" --warn NoTests '[cluster]'
