#!/usr/bin/env bash
# Kills commands at so many moments (kill -9), gives each again until it ends by itself, and compares what it leaves with what the undisturbed one
# left: every file's bytes (checkpoints, bundles, quarantines, pages, scores), and which files there are, so that nothing half-written stays behind.
# An equal part of the kills each: training, a student phase behind a validation, fine-tuning, the daily cycle, a stream, export, predict.
#
#   tools/kills.sh --kills=1000 [--seed=1] [--only=train,daily] build/tandem      # a thousand: some ten minutes
set -euo pipefail
kills=1000 seed=1 only=train,phase,finetune,daily,online,export,predict tandem=
for argument in "$@"; do
  case $argument in
    --kills=*) kills=${argument#*=} ;;
    --seed=*) seed=${argument#*=} ;;
    --only=*) only=${argument#*=} ;;
    --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "kills.sh: unknown option $argument; there are --kills, --seed, --only" >&2; exit 2 ;;
    *) tandem=$argument ;;
  esac
done
[ -n "$tandem" ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
source "$(dirname "$0")/../tests/end_to_end/checks.sh"
begin "$tandem" "$(dirname "$0")/.."
RANDOM=$seed

small=(embedding.dim=4 embedding.min_count=2 model.teacher.mlp.hidden=8 model.student.mlp.hidden=8 train.batch_size=64 train.shard_rows=32
  runtime.threads=2)
expect_exit 0 synth --output=logs --days=4 --rows_per_day=700 --holdout_rows=20000 --vocabulary=200 --seed=3
# Malformed rows, so that the quarantine is part of what is compared; a time, for the stream.
for day in 1 2 3 4; do
  zcat logs/2026-01-0$day.tsv.gz | awk -v OFS='\t' -v begin="$(date -u -d 2026-01-0$day +%s)" \
    'NR == 1 {print $0, "time"; next} {print $0, begin + NR} NR % 300 == 0 {print "neither a label"}' >day$day.tsv
  gzip -c day$day.tsv >logs/2026-01-0$day.tsv.gz
done
{ cat day3.tsv; tail -n +2 day4.tsv; } >stream.tsv
config=(--config="$source_dir/configs/synthetic.pbtxt" 'data.path=logs/{date}.tsv.gz' "${small[@]}")
trained=(train "${config[@]}" --end_date=2026-01-02 train.window_days=2 embedding.id_dropout=0.1 runtime.checkpoint_every_steps=3)
expect_exit 0 "${trained[@]}" --run_dir=base

# arguments NAME DIRECTORY: sets `given` to what is run, which writes into the directory alone
arguments() {
  case $1 in
    train) given=("${trained[@]}" train.epochs=2 train.shuffle_rows=256 --run_dir="$2/run" --resume) ;;
    phase) given=("${trained[@]}" train.epochs=4 train.validation.days=1 train.validation.patience=1 train.validation.then_learn=true
      model.distill.phase.fraction=0.5 model.distill.replay.steps=2 model.distill.replay.batches=8 --run_dir="$2/run" --resume) ;;
    finetune) given=(finetune --init_from=base --begin_date=2026-01-03 --end_date=2026-01-04 runtime.checkpoint_every_steps=3
      --run_dir="$2/run" --resume) ;;
    daily) given=(daily "${config[@]}" --begin_date=2026-01-01 --end_date=2026-01-03 train.window_days=2 daily.finetune=true
      daily.gate.min_copc=0.1 daily.gate.max_copc=9 daily.gate.max_auc_loss=0.5 daily.gate.min_rows=0 --run_dir="$2/run" --resume) ;;
    online) given=(online --init_from=base --input=stream.tsv online.guard_limit=0.5 online.batch_rows=64 online.window_rows=200
      online.checkpoint_rows=200 online.checkpoint_seconds=0 data.key_columns=user,item online.time_column=time online.label_delay=300
      data.max_bad_fraction=0.1 --run_dir="$2/run" --resume) ;;
    export) given=(export --model=base --output="$2/bundle" --accept_poor_model) ;;
    predict) given=(predict --model=base --input=logs/holdout.tsv.gz --output="$2/scores.tsv" --tower=both) ;;
    *) fail "--only: no command '$1'" ;;
  esac
}
# A bundle that stands there is whole, or nothing does: it isn't written over.
done_already() { [ "$1" = export ] && [ -d "$2/bundle" ]; }

# result DIRECTORY: all that is in it, with the bytes but for the speed, which is the machine's
result() {
  (cd "$1" && find . | sort && find . -type l -exec readlink {} + &&
    find . -name metrics.jsonl -exec sed -E 's/,"rows_per_second":[^,}]*//' {} + &&
    find . -type f -not -name metrics.jsonl -exec sha1sum {} + | sort -k2)
}
now() { date +%s%N; }

IFS=, read -ra names <<<"$only"
each=$(((kills + ${#names[@]} - 1) / ${#names[@]})) all=0
for name in "${names[@]}"; do
  rm -rf whole && mkdir whole
  arguments "$name" whole
  began=$(now)
  expect_exit 0 "${given[@]}"
  micros=$((($(now) - began) / 1000))
  # What begins anew each time would never end if it were killed twice as soon.
  reach=$((micros / 2 + 1))
  [[ $name != export && $name != predict ]] || reach=$((micros * 5 / 4 + 1))
  result whole >whole.result
  arguments "$name" killed
  landed=0 lives=0
  while [ $landed -lt $each ]; do
    rm -rf killed && mkdir killed
    code=137
    # Some kills a life, that far apart. One that doesn't come to its end between them is left alone.
    for ((moment = 0; code == 137; ++moment)); do
      ! done_already "$name" killed || break
      "$tandem" "${given[@]}" >killed.out 2>killed.log &
      process=$!
      if [ $moment -lt 40 ]; then
        pause=$(((RANDOM * 32768 + RANDOM) % reach))
        sleep "$((pause / 1000000)).$(printf %06d $((pause % 1000000)))"
        kill -9 $process 2>/dev/null || true
      fi
      code=0
      wait $process 2>/dev/null || code=$?
      [ $code != 137 ] || landed=$((landed + 1))
    done
    [ $code = 0 ] || done_already "$name" killed || { cat killed.log >&2; fail "$name, seed $seed, life $lives: exit $code"; }
    # Once more, as somebody would who doesn't know that it is done.
    done_already "$name" killed || expect_exit 0 "${given[@]}"
    result killed >killed.result
    cmp -s whole.result killed.result || { diff whole.result killed.result >&2 || true; fail "$name, seed $seed, life $lives: not the same"; }
    lives=$((lives + 1))
  done
  all=$((all + landed))
  echo "$name: $landed kills in $lives lives, all of them ended with the same (${SECONDS} s)"
done
echo "$all kills"
