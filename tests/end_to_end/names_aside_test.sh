#!/usr/bin/env bash
# What commands write beside their output: no name of a user's is touched, two writers don't mix, and what a killed one
# left goes with the next.
#
#   tests/end_to_end/names_aside_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

expect_exit 0 synth --output=logs --days=1 --rows_per_day=400 --holdout_rows=100 --vocabulary=100 --seed=3
zcat logs/2026-01-01.tsv.gz >day.tsv
expect_exit 0 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=run data.path=day.tsv embedding.dim=4 \
  model.teacher.mlp.hidden=8 model.student.mlp.hidden=4 train.batch_size=64 train.shard_rows=16
orphans() { { find . -name 'tmp-*.tandem-*' 2>/dev/null || true; } | sort; }

section "a user's own tmp- names stay"
mkdir tmp-b tmp-logs2 && echo mine >tmp-b/mine
echo mine >tmp-scores.tsv && echo mine >scores.tsv.tmp-1
expect_exit 0 export --model=run --output=b
expect_exit 0 predict --model=run --input=day.tsv --output=scores.tsv
expect_exit 0 synth --output=logs2 --days=1 --rows_per_day=100 --vocabulary=100
expect_equal "the user's files" "$(cat tmp-b/mine tmp-scores.tsv scores.tsv.tmp-1 | tr '\n' ' ')" "mine mine mine "
[ -d tmp-logs2 ] || fail "tmp-logs2 is gone"
expect_equal "what is left aside" "$(orphans)" ""

section "of two exports to one output one writes it whole, and the other says so"
for ((round = 0; round < 20; ++round)); do
  rm -rf both
  "$tandem" export --model=run --output=both >first.out 2>first.err &
  first=0
  second=0
  "$tandem" export --model=run --output=both >second.out 2>second.err || second=$?
  wait $! || first=$?
  expect_same_folder both b
  [ $((first == 0)) != $((second == 0)) ] || fail "exit codes $first and $second"
  [ $first = 0 ] || grep -q "both" first.err || fail "the first says: $(cat first.err)"
done
expect_equal "what is left aside" "$(orphans)" ""

section "what killed writers left is removed by the next one"
mkfifo endless
"$tandem" predict --model=run --input=- --output=never.tsv <endless 2>/dev/null &
process=$!
exec 3>endless
head -n 9 day.tsv >&3
for ((wait = 0; wait < 400; ++wait)); do
  [ -z "$(orphans)" ] || break
  sleep 0.05
done
[ -n "$(orphans)" ] || fail "predict has no file aside to write to"
expect_exit 0 predict --model=run --input=day.tsv --output=other.tsv
[ -n "$(orphans)" ] || fail "the file of a predict at work was taken for an orphan"
kill -KILL $process
wait $process || true
exec 3>&-
[ -n "$(orphans)" ] || fail "nothing was left"
expect_exit 0 predict --model=run --input=day.tsv --output=other.tsv
expect_equal "what is left aside" "$(orphans)" ""
for delay in 0.00 0.01 0.02 0.03 0.04 0.06; do
  rm -rf killed
  timeout -s KILL $delay "$tandem" export --model=run --output=killed >/dev/null 2>&1 || true
  [ ! -d killed ] || expect_same_folder killed b
done
expect_exit 0 export --model=run --output=last
expect_equal "what is left aside" "$(orphans)" ""
