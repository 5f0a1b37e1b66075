#!/usr/bin/env bash
# eexit sweep --slurm on a real Slurm: cancelled once, submitted again, pre-empted, requeued before its time limit, it ends
# with the files of a local sweep, byte for byte. 5 to 10 minutes.
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh.inc"
chmod 755 "$work"  # munged runs as a user of its own
trap '"$here"/../support/slurm_cluster stop "$work/slurm" || true; rm -rf "$work"' EXIT
SLURM_CONF=$("$here"/../support/slurm_cluster start "$work/slurm")
export SLURM_CONF

# 12 cells of a second each, and one of more than the 40 s after which Slurm warns at the latest: it looks at time limits
# every 30 s, so a warning 20 s before a limit of one minute comes 10 to 40 s after the start.
cat >spec.json <<'JSON'
{"study": "small",
 "defaults": {"data": {"name": "fashion_mnist"}, "arch": {"name": "mlp", "widths": [24, 24, 24]}, "placement": {"after": [0, 1]},
              "train": {"protocol": {"name": "equal_epochs", "total": 60, "backbone": 40}, "batch": 50, "checkpoint_seconds": 1}},
 "grid": {"regime": [{"name": "disjoint"}, {"name": "joint"}, {"name": "mixed"}], "seed": [0, 1, 2, 3]},
 "include": [{"regime": {"name": "joint"}, "seed": 4, "train": {"protocol": {"name": "equal_epochs", "total": 12000, "backbone": 8000}}}],
 "eval": {"plain": false},
 "slurm": {"partition": "low", "time": 1, "signal": 20, "mem": "600M"}}
JSON
sweep() { "$EEXIT" sweep spec.json "$@" --quiet; }
logs=cluster/studies/small/slurm

# until_true SECONDS WHAT COMMAND...: polls.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < end)) || { squeue; tail -n 3 "$logs"/*.log || true; fail "not in time: $what"; }
    sleep 0.2
  done
}
queue_empty() { squeue --noheader >queue && [[ ! -s queue ]]; }
running() { [[ -n $(squeue --noheader --states=RUNNING) ]]; }
has_checkpoint() { [[ -n $(find cluster/phases -name 'checkpoint-*' 2>/dev/null) ]]; }
status_running() { sweep --out cluster --status | grep -E 'small-level-0: .* [1-9][0-9]* running' >/dev/null; }

sweep --out cluster --slurm >submitted
grep -qx '[0-9][0-9]*' submitted || fail 'no job numbers'
expect 64 'still queued' "$EEXIT" sweep spec.json --out cluster --slurm
until_true 120 'a checkpoint' has_checkpoint
until_true 60 'a running element in --status' status_running
(($(sweep --out cluster --cancel) > 1)) || fail 'fewer elements cancelled than there are levels'
until_true 60 'cancelled jobs end' queue_empty
[[ ! -e cluster/studies/small/results.csv ]] || fail 'tables after --cancel'

sweep --out cluster --slurm >submitted
until_true 120 'running again' running
# Until it meets an element at training; the long one is met for certain.
pre_empt() {
  local log
  sbatch --wait --partition=high --exclusive --output=/dev/null --wrap='sleep 0.5' >/dev/null
  for log in $(grep -ls 'DUE TO PREEMPTION' "$logs"/*.log); do
    if grep -q 'stopped at step' "$log"; then return 0; fi
  done
  return 1
}
until_true 120 'pre-emption' pre_empt
until_true 1200 'the end' queue_empty
grep -q 'DUE TO JOB REQUEUE' "$logs"/*.log || fail 'nothing was requeued before its time limit'
if grep 'DUE TO TIME LIMIT' "$logs"/*.log; then fail 'a job went on beyond its warning'; fi

sweep --out local >local_table
for file in results.csv curves.csv table.md; do
  cmp "local/studies/small/$file" "cluster/studies/small/$file" || fail "$file differs from a local sweep's"
done
for weights in local/phases/*/weights.safetensors; do
  cmp "$weights" "cluster/${weights#local/}" || fail 'weights differ from a local sweep'
done
sweep --out cluster >cluster_table  # nothing is left to do
cmp local_table cluster_table
echo ok
