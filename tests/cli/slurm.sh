#!/usr/bin/env bash
# sweep --slurm against a stub of Slurm's commands that runs each job at once; tests/slurm does it with a real Slurm.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
export PATH=$here/../support/stub_slurm:$PATH STUB_SLURM=$work/stub
mkdir stub empty
small_spec >spec.json
slurm='/slurm={"partition": "low", "time": "2:00:00"}'

# Submitted only: one array a level, each after the one before, the tables last.
"$EEXIT" sweep spec.json --set "$slurm" --out queued --slurm >ids 2>messages
grep -q 101 ids || fail 'no job number'
grep '^sbatch' stub/log | head -n 1 | grep -qv dependency || fail 'the first level waits'
grep '^sbatch' stub/log | tail -n 1 | grep -q 'dependency=afterany:10' || fail 'the tables do not wait'
grep -q '^#SBATCH --partition=low$' stub/101.sbatch || fail 'no option of the spec in the script'
echo '101 RUNNING' >stub/queue
"$EEXIT" sweep spec.json --set "$slurm" --out queued --status >status
grep -q 'Slurm job 101, small-level-0: .* 1 running, 0 queued' status || { cat status; fail 'no running element in --status'; }
expect 64 'still queued' "$EEXIT" sweep spec.json --set "$slurm" --out queued --slurm
[[ $("$EEXIT" sweep spec.json --set "$slurm" --out queued --cancel) == 1 ]] || fail 'not one element cancelled'
grep -q '^scancel 101' stub/log || fail 'not cancelled'
rm stub/queue

# Run: the same files as a local sweep's.
touch stub/run
"$EEXIT" sweep spec.json --set "$slurm" --out jobs --slurm >ids 2>messages
"$EEXIT" sweep spec.json --set "$slurm" --out local --quiet >table
for file in results.csv curves.csv table.md; do
  cmp "local/studies/small/$file" "jobs/studies/small/$file" || { cat stub/*.out; fail "$file differs"; }
done
rm stub/run

# What can go wrong.
expect 65 'spec.json /slurm/array: ' "$EEXIT" sweep spec.json --set '/slurm/array="0-3"' --out bad --slurm
echo '*' >stub/refuse
expect 74 'sbatch refused .*: invalid partition specified: nix' "$EEXIT" sweep spec.json --out bad --slurm
expect 69 'sbatch is not installed here' env PATH="$work/empty" "$EEXIT" sweep spec.json --out bad --slurm
echo ok
