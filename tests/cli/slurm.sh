#!/usr/bin/env bash
# sweep --slurm against a stub of Slurm's commands that runs each job at once; tests/slurm does it with a real Slurm.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
export PATH=$here/../support/stub_slurm:$PATH STUB_SLURM=$work/stub
mkdir stub empty
# Long enough that a job which is to be killed in the middle of a phase is not through with it first, on a busy machine too.
small_spec | sed 's/"total": 3, "backbone": 2/"total": 90, "backbone": 60/' >spec.json
grep -q '"total": 90' spec.json
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
cp queued/studies/small/spec.json frozen.json
expect 64 'still queued' "$EEXIT" sweep spec.json --set "$slurm" --out queued --slurm
# The jobs read the frozen spec: neither a submission nor a local sweep may put another in its place.
for how in --slurm --quiet --tables; do
  expect 64 'still queued' "$EEXIT" sweep spec.json --set /eval/budgets=[0.5] --out queued $how
done
cmp frozen.json queued/studies/small/spec.json
# Looking and cancelling need no data.
cp -r "$EEXIT_DATA" data
moved=(--set "$slurm" --set '/defaults/data/dir="data"' --set /study=moved --out queued)
"$EEXIT" sweep spec.json "${moved[@]}" --slurm >ids 2>messages
mv data away
echo '105 RUNNING' >stub/queue
expect 66 'data: no such folder' "$EEXIT" sweep spec.json "${moved[@]}" --dry-run
"$EEXIT" sweep spec.json "${moved[@]}" --status >status
grep -q 'moved: .* nodes, 0 done' status || { cat status; fail 'no --status without the data set'; }
[[ $("$EEXIT" sweep spec.json "${moved[@]}" --cancel) == 1 ]] || fail 'no --cancel without the data set'
echo '101 RUNNING' >stub/queue
[[ $("$EEXIT" sweep spec.json --set "$slurm" --out queued --cancel) == 1 ]] || fail 'not one element cancelled'
grep -q '^scancel 101' stub/log || fail 'not cancelled'
"$EEXIT" sweep spec.json --set "$slurm" --out queued --quiet >/dev/null  # the same spec is no harm
rm stub/queue

# Run: the same files as a local sweep's.
same_as_local() {
  for file in results.csv curves.csv table.md; do
    cmp "local/studies/small/$file" "$1/studies/small/$file" || { cat stub/*.out; fail "$1: $file differs"; }
  done
  [[ -z $(find "$1" -name attempts.json -o -name failed.json) ]] || fail "$1: notes of attempts are left"
}
# events OUT EXPRESSION: Python's opinion of the list of events.
events() {
  python3 -c 'import collections, json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
kinds = collections.Counter(event["event"] for event in events)
assert eval(sys.argv[2]), (sys.argv[2], kinds)' "$1/studies/small/events.jsonl" "$2"
}
touch stub/run
"$EEXIT" sweep spec.json --set "$slurm" --out jobs --slurm --jobs 2 --fail-fast --tensorboard tb >ids 2>messages
for flag in jobs fail-fast tensorboard; do
  grep -q "^warning: --$flag: ignored because" messages || fail "--$flag is taken without a word"
done
"$EEXIT" sweep spec.json --set "$slurm" --out local --quiet >table
same_as_local jobs
events jobs 'kinds["sweep_started"] == kinds["sweep_done"] == 1'
events jobs 'events[0]["event"] == "sweep_started" and events[-1]["event"] == "sweep_done"'
events jobs 'events[-1]["nodes"] == events[0]["nodes"] == kinds["node_done"] and events[-1]["failed"] == 0'

# An element that is killed once: what it was at is done by the job that needs it, or by the last before the tables.
phases_of() { ls -d local/runs/*-"$1"-* | xargs -I{} python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["phases"][int(sys.argv[2])]["key"])' {}/run.json "$2"; }
backbone=$(phases_of disjoint 0) heads=$(phases_of disjoint 1) mixed=$(phases_of mixed 1)
mkdir stub/deaths
for key in "$backbone" "$mixed"; do echo once >stub/deaths/$key; done
"$EEXIT" sweep spec.json --set "$slurm" --out once --slurm >ids 2>messages
[[ ! -s stub/deaths/$backbone && ! -s stub/deaths/$mixed && $(grep -c ' 137$' stub/ended) == 2 ]] ||
  { cat stub/ended; fail 'not two elements were killed'; }
same_as_local once
events once 'kinds["node_failed"] == 0 and kinds["sweep_done"] == 1'

# One that always dies: failed rows that say why, exit code 1 of the tables; the rest is done.
seq 9 >stub/deaths/$backbone
rm stub/ended
"$EEXIT" sweep spec.json --set "$slurm" --out always --slurm >ids 2>messages
[[ $(wc -l <stub/deaths/$backbone) == 7 ]] || { cat stub/ended; fail 'tried more or less often than twice'; }
tail -n 1 stub/ended | grep -q ' small-tables 0 1$' || { cat stub/ended; fail 'the tables end without code 1'; }
[[ $(grep -c ',failed,' always/studies/small/results.csv) == 2 ]] || fail 'expected two failed rows'
grep -q 'ended without a result.*always/studies/small/slurm/small-level-[0-9].*log.*oom-kill' always/studies/small/runs.csv ||
  { cat always/studies/small/runs.csv; fail 'the reason names no log, or not its lines'; }
"$EEXIT" sweep spec.json --set "$slurm" --out always --status >status
[[ $(grep -c '^failed' status) == 5 ]] || { cat status; fail 'expected the backbone, two phases and two runs to be failed'; }
grep -q "^failed *${heads:0:8}.*backbone failed" status || { cat status; fail 'what needs a failed node is not failed'; }
events always 'kinds["node_failed"] == 5 == len({e["node"] for e in events if e["event"] == "node_failed"})'
events always 'events[-1]["event"] == "sweep_done" and events[-1]["failed"] == 2'
rm stub/deaths/*
"$EEXIT" sweep spec.json --set "$slurm" --out always --slurm >ids 2>messages
same_as_local always
rm stub/run

# What can go wrong.
expect 65 'spec.json /slurm/array: ' "$EEXIT" sweep spec.json --set '/slurm/array="0-3"' --out bad --slurm
echo '*' >stub/refuse
expect 74 'sbatch refused .*: invalid partition specified: nix' "$EEXIT" sweep spec.json --out bad --slurm
expect 69 'sbatch is not installed here' env PATH="$work/empty" "$EEXIT" sweep spec.json --out bad --slurm
echo ok
