#!/usr/bin/env bash
# Killed and resumed equals uninterrupted, byte for byte; a signal ends with code 75. The long campaign is nightly.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh.inc"
small_spec >spec.json
kills=${EEXIT_KILLS:-3}
"$here"/../support/kill_campaign "$EEXIT" spec.json "$kills" || fail "the campaign"

# SIGTERM: a checkpoint, exit code 75, and the same command goes on.
"$EEXIT" sweep spec.json --set /defaults/train/protocol/total=400 --out term --quiet >/dev/null 2>term.err &
pid=$!
for _ in $(seq 100); do [[ -n $(find term/phases -name 'checkpoint-*' 2>/dev/null) ]] && break; sleep 0.1; done
kill -TERM $pid
before=${EPOCHREALTIME/[.,]/}
status=0; wait $pid || status=$?
took=$(((${EPOCHREALTIME/[.,]/} - before) / 1000))
((took < 2000)) || fail "ended $took ms after SIGTERM, expected at most 2000"
[[ $status == 75 ]] || { cat term.err; fail "exit code $status after SIGTERM, expected 75"; }
echo ok
