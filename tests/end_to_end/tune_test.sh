#!/usr/bin/env bash
# tandem tune: a search of some seconds on a synthetic log, killed, stopped, resumed; what it writes trains.
#
#   tests/end_to_end/tune_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

expect_exit 0 synth --output=logs --days=3 --rows_per_day=500 --holdout_rows=100 --vocabulary=200
cat >base.pbtxt <<'CONFIG'
data { path: "logs/{date}.tsv.gz" }
embedding { dim: 4 }
model { teacher { interaction { fm {} } mlp { hidden: [16, 8] } } student { mlp { hidden: [8, 4] } } }
train { window_days: 3 batch_size: 64 epochs: 3 }
CONFIG
tune=(--config="$source_dir/configs/synthetic.pbtxt,base.pbtxt" --end_date=2026-01-03)

section "usage"
expect_exit 2 tune "${tune[@]}" --run_dir=tuned
expect_err "--budget="
expect_exit 2 tune "${tune[@]}" --run_dir=tuned --budget=10
expect_err "10m"
expect_exit 2 tune --config="$source_dir/configs/synthetic.pbtxt,base.pbtxt" --run_dir=tuned --budget=10s
expect_err "end_date is needed"
expect_exit 2 tune "${tune[@]}" --run_dir=tuned --budget=10s --output=base.pbtxt
expect_err "also an input"
expect_absent tuned

# Trials that came to their end.
ended() { cat tuned/trials.jsonl 2>/dev/null | grep -c '"ended"' || true; }

section "killed"
"$tandem" tune "${tune[@]}" --run_dir=tuned --budget=12s --output=best.pbtxt >out 2>err &
process=$!
while [ "$(ended)" -lt 2 ]; do
  kill -0 $process 2>/dev/null || fail "the tuning ended before it was killed"
  sleep 0.05
done
kill -9 $process
wait $process 2>/dev/null || true
expect_absent best.pbtxt
before=$(ended)
echo "   killed with $before trials ended"
expect_exit 2 tune "${tune[@]}" --run_dir=tuned --budget=12s --output=best.pbtxt
expect_err "is not empty"

section "resumed, and stopped"
"$tandem" tune --run_dir=tuned --resume --end_date=2026-01-03 --output=best.pbtxt >out 2>err &
process=$!
while [ "$(ended)" -le $((before + 1)) ]; do
  kill -0 $process 2>/dev/null || fail "the tuning ended before it was stopped"
  sleep 0.05
done
kill -INT $process
code=0
wait $process || code=$?
expect_equal "the exit code" $code 130
expect_err "--resume goes on"
expect_out "trial"
[ -e best.pbtxt ] || fail "nothing was kept of the best so far"

section "resumed to the end"
expect_exit 0 tune "${tune[@]}" --run_dir=tuned --resume --output=best.pbtxt
expect_out "the configuration as it is"
expect_out "as it is"
grep -q "tandem tune" best.pbtxt || fail "best.pbtxt doesn't say who wrote it"
[ "$(tail -1 tuned/trials.jsonl | python3 -c 'import json, sys; print(json.loads(sys.stdin.read())["at"] < 13)')" = True ] ||
  fail "more than the budget was spent"
# What wasn't in the configuration: the last day decides, and is learned afterwards.
grep -q "days: 1" best.pbtxt || fail "best.pbtxt holds nothing out"

section "the best trains as it is"
expect_exit 0 train --config=best.pbtxt --run_dir=run --end_date=2026-01-03

section "what somebody edited stays"
echo "# mine" >>best.pbtxt
expect_exit 2 tune "${tune[@]}" --run_dir=tuned --resume --output=best.pbtxt
expect_err "no tuning wrote it"
expect_exit 0 tune "${tune[@]}" --run_dir=tuned --resume --output=best.pbtxt --force
