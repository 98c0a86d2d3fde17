#!/usr/bin/env bash
# A run that is killed (kill -9) again and again, and resumed each time, ends as the uninterrupted one: same bytes, no rubbish.
#
#   tests/end_to_end/kill_test.sh TANDEM_BINARY SOURCE_DIR [SEED]      # SEED: of the moments
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
seed=${3:-1}
RANDOM=$seed
echo "seed $seed"

# A sanitizer makes each row dear.
few=$(is_sanitized && echo 1 || echo 0)
expect_exit 0 synth --output=logs --days=4 --rows_per_day=$((few ? 1000 : 3000)) --holdout_rows=500 --vocabulary=500
# Malformed rows, so that the quarantine is part of what is resumed.
for day in 02 03; do
  { zcat logs/2026-01-$day.tsv.gz; printf 'neither a label\n2\ttoo few\n'; } | gzip -c >day.gz
  mv day.gz logs/2026-01-$day.tsv.gz
done
# A checkpoint every few steps: many kills land in the writing of one.
config=$source_dir/configs/synthetic.pbtxt
arguments=(train --end_date=2026-01-04 'data.path=logs/{date}.tsv.gz'
  embedding.dim=8 embedding.min_count=2 embedding.id_dropout=0.1 model.student.mlp.normalize_input=true
  train.window_days=4 train.batch_size=64 train.shard_rows=32 train.shuffle_rows=512
  runtime.threads=2 runtime.checkpoint_every_steps=3 runtime.log_every_steps=5)

# killed_and_resumed NAME KILLS [SETTING...]
killed_and_resumed() {
  local name=$1 kills=$2
  shift 2
  rm -rf whole killed
  section "$name: uninterrupted"
  began=$(date +%s%N)
  expect_exit 0 "${arguments[@]}" "$@" --run_dir=whole
  cp err whole.log
  run_ms=$((($(date +%s%N) - began) / 1000000))
  echo "$run_ms ms"

  section "$name: killed $kills times"
  landed=0
  for ((i = 0; i < kills; ++i)); do
    # Together the moments are about as long as the run, which comes to its end in the last of them, if at all.
    sleep_ms=$((5 + RANDOM % (run_ms / 10 + 20)))
    "$tandem" "${arguments[@]}" "$@" --run_dir=killed --resume 2>killed.log >killed.out &
    process=$!
    sleep "$(printf '%d.%03d' $((sleep_ms / 1000)) $((sleep_ms % 1000)))"
    ! kill -9 $process 2>/dev/null || landed=$((landed + 1))
    wait $process 2>/dev/null || true
    [ ! -d killed/checkpoints ] || echo "   after $sleep_ms ms: $(cd killed && find . -name 'step-*' -o -name 'tmp-*' | sort | tr '\n' ' ')"
  done
  [ $landed -ge $((kills / 2)) ] || fail "only $landed of $kills kills met a running process"
  [ -f killed/complete ] || expect_exit 0 "${arguments[@]}" "$@" --run_dir=killed --resume
  expect_exit 0 "${arguments[@]}" "$@" --run_dir=killed --resume
  expect_equal "a finished run" "$(cat out)" complete

  section "$name: the same"
  expect_same "$(last_checkpoint whole)/MANIFEST" "$(last_checkpoint killed)/MANIFEST"
  expect_same_folder whole/checkpoints killed/checkpoints
  expect_same_folder whole/quarantine killed/quarantine
  expect_equal "files of the run" "$(cd killed && find . | sort)" "$(cd whole && find . | sort)"
  # All but the speed.
  for run in whole killed; do sed -E 's/,"rows_per_second":[^,}]*//' $run/metrics.jsonl >$run.metrics; done
  expect_same whole.metrics killed.metrics
  for run in whole killed; do expect_exit 0 predict --model=$run --input=logs/holdout.tsv.gz --output=$run.tsv --tower=both; done
  expect_same whole.tsv killed.tsv
}

killed_and_resumed passes $((few ? 5 : 10)) "--config=$config" train.epochs=2
# Stopped early and put back, a student phase, and the held-out day learned; knots of a first look.
cat >piecewise.pbtxt <<'TEXT'
feature { name: "user" sparse {} } feature { name: "item" sparse {} } feature { name: "price" dense { piecewise {} } }
TEXT
killed_and_resumed validated $((few ? 3 : 6)) "--config=$config,piecewise.pbtxt" train.epochs=6 train.validation.days=1 \
  train.validation.patience=1 train.validation.then_learn=true train.optimizer.adam.lr=0.02 model.distill.phase.fraction=0.5 \
  model.distill.replay.steps=2 model.distill.replay.batches=8
section "passed"
