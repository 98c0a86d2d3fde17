#!/usr/bin/env bash
# Online learning as docs/online.md promises it: a student of its own, published as it learns, that survives being killed, holds
# against bad labels, waits for clicks, and starts over from a new base.
#
#   tests/end_to_end/online_test.sh TANDEM_BINARY SOURCE_DIR [KILLS] [SEED]      # SEED: of the moments
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
kills=${3:-10}
seed=${4:-1}
RANDOM=$seed
echo "seed $seed"

small=(embedding.dim=4 model.teacher.mlp.hidden=16,8 model.student.mlp.hidden=8,4 train.batch_size=64 runtime.threads=2)
expect_exit 0 synth --output=logs --days=4 --rows_per_day=3000 --holdout_rows=500 --vocabulary=500 --seed=3
cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 4 layers: 4 } } } }'
config=$source_dir/configs/synthetic.pbtxt,cin.pbtxt
expect_exit 0 train --config="$config" --run_dir=base --end_date=2026-01-02 \
  'data.path=logs/{date}.tsv.gz' train.window_days=2 train.epochs=3 "${small[@]}"
cp -r base untouched
# A stream with a time column, an hour a day apart: rows of day d are at d * 86400 + their number.
for day in 1 2 3 4; do
  zcat logs/2026-01-0$day.tsv.gz | awk -v OFS='\t' -v begin=$(($(date -u -d 2026-01-0$day +%s))) \
    'NR == 1 {if ('$day' == 1) print $0, "time"; next} {print $0, begin + NR}' >day$day.tsv
done
header=$(head -1 day1.tsv)
sed -i 1d day1.tsv
{ echo "$header"; cat day3.tsv day4.tsv; } >stream.tsv
cat >fast.pbtxt <<<'online { guard_limit: 0.5 batch_rows: 64 window_rows: 500 checkpoint_rows: 700 checkpoint_seconds: 0 } runtime { log_every_steps: 5 }'
fast=(--config=fast.pbtxt)

# last_window RUN EXPRESSION: of the last line of metrics.jsonl with a window
last_window() {
  grep '"window"' "$1/metrics.jsonl" | tail -1 >last.json
  expect_json last.json "$2"
}
# strip RUN: metrics.jsonl without the speed
strip() { sed -E 's/,"rows_per_second":[^,}]*//' "$1/metrics.jsonl"; }
# expect_same_run A B
expect_same_run() {
  expect_same_folder "$1/checkpoints" "$2/checkpoints"
  expect_same_folder "$1/bundles" "$2/bundles"
  expect_equal "published" "$(readlink "$2/published")" "$(readlink "$1/published")"
  expect_same <(strip "$1") <(strip "$2")
}

section "a stream"
expect_exit 0 online --init_from=base --run_dir=whole --input=stream.tsv "${fast[@]}"
expect_equal "what online prints" "$(cat out)" "$(last_checkpoint whole)"
expect_err "6,000 rows read = 6,000 trained + 0 waiting"
last_window whole 'd["rows"] == 6000 and d["window"]["rows"] == 500 and 0.5 < d["window"]["auc"] < 1 and d["rollbacks"] == 0'
expect_same_folder base untouched
expect_equal "bundles kept" "$(find whole/bundles -name 'step-*' | wc -l)" 3
expect_exit 0 predict --model=whole/published --input=logs/holdout.tsv.gz --output=published.tsv
expect_exit 0 predict --model=whole --input=logs/holdout.tsv.gz --output=run.tsv
expect_same published.tsv run.tsv
expect_exit 0 predict --model=base --input=logs/holdout.tsv.gz --output=base.tsv
expect_differ published.tsv base.tsv
expect_exit 0 evaluate --model=whole --input=logs/holdout.tsv.gz --format=json
expect_json out 'list(d) == ["rows", "student", "fields"]'
expect_exit 0 online --init_from=base --run_dir=whole --input=stream.tsv "${fast[@]}" --resume
expect_equal "a stream that is over" "$(cat out)" "$(last_checkpoint whole)"
expect_exit 0 online --init_from=base --run_dir=threads --input=stream.tsv "${fast[@]}" runtime.threads=1
expect_same_run whole threads
gzip -c stream.tsv >stream.tsv.gz
expect_exit 0 online --init_from=base --run_dir=piped --input=- "${fast[@]}" <stream.tsv.gz
expect_equal "the same from a pipe" "$(sha1sum <"$(last_checkpoint piped)/student.bin")" "$(sha1sum <"$(last_checkpoint whole)/student.bin")"

section "a student begins as it is served"
# Averaged weights and the slow copy of the rows, or rows of its own; a stream without a sample changes nothing.
head -1 stream.tsv >nothing.tsv
serves() {
  expect_exit 0 train --config="$config" --run_dir="$1" --end_date=2026-01-01 'data.path=logs/{date}.tsv.gz' \
    train.window_days=1 "${small[@]}" "${@:2}"
  expect_exit 0 online --init_from="$1" --run_dir="$1-online" --input=nothing.tsv
  for model in "$1" "$1-online/published"; do expect_exit 0 predict --model="$model" --input=logs/holdout.tsv.gz --output="${model////-}.tsv"; done
  expect_same "$1.tsv" "$1-online-published.tsv"
}
serves slow embedding.slow_copy.decay=0.9 embedding.slow_copy.towers=STUDENT train.average_decay=0.9 model.distill.replay.steps=2
serves own model.method=TWO_STAGE_KD
serves alone model.method=STUDENT_ALONE embedding.slow_copy.decay=0.9 train.average_decay=0.9
expect_exit 0 online --init_from=slow --run_dir=slow-learned --input=stream.tsv "${fast[@]}"
last_window slow-learned 'd["rows"] == 6000 and 0.5 < d["window"]["auc"] < 1'

section "refused"
expect_exit 2 online --init_from=base --run_dir=whole --input=stream.tsv
expect_err "not empty"
expect_exit 2 online --init_from=base --run_dir=whole --input=stream.tsv "${fast[@]}" online.batch_rows=32 --resume
expect_err "online.batch_rows"
expect_exit 2 online --init_from=base --run_dir=never --input=stream.tsv online.batchrows=32
expect_err "batch_rows"
expect_exit 2 online --init_from=base --run_dir=never --input=stream.tsv online.batch_rows=0
expect_exit 2 online --init_from=base --run_dir=never --input=stream.tsv train.batch_size=32
expect_err "online.batch_rows is the micro-batch"
expect_exit 2 online --init_from=base --run_dir=never --input=stream.tsv online.label_delay=60
expect_err "online.time_column"
expect_exit 2 online --init_from=base --run_dir=never --input=- --follow
expect_exit 2 online --init_from=base --run_dir=never --input=stream.tsv model.student.mlp.hidden=16
expect_exit 2 online --init_from=whole/published --run_dir=never --input=stream.tsv
expect_err "without the checkpoint"
expect_exit 4 online --init_from=nowhere --run_dir=never --input=stream.tsv
expect_exit 3 online --init_from=base --run_dir=never --input=nowhere.tsv
cut -f2- stream.tsv >columns.tsv
expect_exit 3 online --init_from=base --run_dir=never --input=columns.tsv
expect_absent never
# The stream is known by its bytes, not by its name.
sed '3s/^./7/' stream.tsv >other.tsv
expect_exit 3 online --init_from=base --run_dir=whole --input=other.tsv "${fast[@]}" --resume
expect_err "are not those that were read before"
cp stream.tsv moved.tsv
expect_exit 0 online --init_from=base --run_dir=whole --input=moved.tsv "${fast[@]}" --resume
expect_same_run whole threads

section "rotated, milliseconds, a time far ahead"
head -2001 stream.tsv >rotated.tsv
"$tandem" online --init_from=base --run_dir=rotated --input=rotated.tsv "${fast[@]}" --follow 2>rotated.log >rotated.out &
process=$!
for ((wait = 0; wait < 400; ++wait)); do
  [ "$(readlink rotated/published)" != bundles/step-000022 ] || break
  sleep 0.05
done
mv rotated.tsv rotated.tsv.1
cp stream.tsv rotated.tsv
wait $process && code=0 || code=$?
expect_equal "exit code after a rotation" $code 3
grep -q "was replaced by another file" rotated.log || fail "rotated.log: $(cat rotated.log)"
# Nothing of the old file is lost: what was read is in the checkpoint, the rest is read under its new name.
cat stream.tsv >rotated.tsv.1
expect_exit 0 online --init_from=base --run_dir=rotated --input=rotated.tsv.1 "${fast[@]}" --resume
expect_err "6,000 rows read = 6,000 trained"
awk -F'\t' -v OFS='\t' 'NR == 100 {$NF *= 1000} NR == 200 {$NF += 1000000} NR <= 400 {print}' stream.tsv >times.tsv
expect_exit 0 online --init_from=base --run_dir=times --input=times.tsv "${fast[@]}" data.key_columns=user,item online.time_column=time \
  online.label_delay=300
expect_err "is not in seconds since 1970 (milliseconds?)"
expect_err "far ahead of the rows before and after it"
expect_err "399 rows read = 396 trained + 0 waiting + 2 clicks joined"

section "killed $kills times on a growing file"
# Malformed rows and clicks that come late: quarantine and queue are part of what is resumed.
key=(data.key_columns=user,item online.time_column=time online.label_delay=300)
{
  echo "$header"
  awk -F'\t' -v OFS='\t' '{print} NR % 500 == 0 {print "neither a label"} NR % 7 == 3 && $1 == 0 {$1 = 1; $NF += 1; print}' day3.tsv day4.tsv
} >clicks.tsv
expect_exit 0 online --init_from=base --run_dir=once --input=clicks.tsv "${fast[@]}" "${key[@]}" online.label_queue_rows=200
expect_err "12 quarantined (column count 12)"
expect_err "clicks joined"
expect_err "rows went before their label's time"
total=$(wc -c <clicks.tsv)
: >growing.tsv
arguments=(online --init_from=base --run_dir=killed --input=growing.tsv "${fast[@]}" "${key[@]}" online.label_queue_rows=200 --resume)
landed=0
for ((i = 1; i <= kills; ++i)); do
  "$tandem" "${arguments[@]}" --follow 2>killed.log >killed.out &
  process=$!
  # It grows while it is read, and ends in the middle of a line.
  for part in 1 2 3 4; do
    tail -c +$(($(wc -c <growing.tsv) + 1)) clicks.tsv | head -c $((total / kills / 4 + RANDOM % 50)) >>growing.tsv || true
    sleep 0.0$((RANDOM % 9))
  done
  sleep 0.$((RANDOM % 3))$((RANDOM % 9))
  ! kill -9 $process 2>/dev/null || landed=$((landed + 1))
  wait $process 2>/dev/null || true
done
expect_equal "kills that met a running process" $landed "$kills"
cat clicks.tsv >growing.tsv
expect_exit 0 "${arguments[@]}"
expect_equal "files of the run" "$(cd killed && find . -not -name '*.tsv' | sort)" "$(cd once && find . -not -name '*.tsv' | sort)"
for file in student.bin embedding.bin; do expect_same "$(last_checkpoint once)/$file" "$(last_checkpoint killed)/$file"; done
expect_same "$(last_checkpoint once)/state.pbtxt" "$(last_checkpoint killed)/state.pbtxt"
expect_same "$(last_checkpoint once)/stream.bin" "$(last_checkpoint killed)/stream.bin"
expect_same_run once killed
expect_same once/quarantine/clicks.tsv killed/quarantine/growing.tsv

section "stopped"
for signal in TERM INT; do
  cp stream.tsv following.tsv
  (
    trap - INT
    exec "$tandem" online --init_from=base --run_dir=stopped-$signal --input=following.tsv "${fast[@]}" --follow >out 2>err
  ) &
  process=$!
  while ! grep -q '"rows":5' stopped-$signal/metrics.jsonl 2>/dev/null; do sleep 0.05; done
  kill -$signal $process
  code=0
  wait $process || code=$?
  expected=143
  [ $signal = TERM ] || expected=130
  expect_equal "exit code of SIG$signal" $code $expected
  expect_exit 0 online --init_from=base --run_dir=stopped-$signal --input=following.tsv "${fast[@]}" --resume
  expect_same "$(last_checkpoint stopped-$signal)/student.bin" "$(last_checkpoint whole)/student.bin"
  expect_same "$(last_checkpoint stopped-$signal)/embedding.bin" "$(last_checkpoint whole)/embedding.bin"
done

section "by age"
# Ten rows make no micro-batch of 64; after a while they are trained and published as they are.
head -11 stream.tsv >few.tsv
"$tandem" online --init_from=base --run_dir=aged --input=few.tsv "${fast[@]}" online.max_delay_seconds=0.1 online.checkpoint_rows=0 \
  online.checkpoint_seconds=0.1 --follow >out 2>err &
process=$!
for ((wait = 0; wait < 400; ++wait)); do
  [ "$(readlink aged/published)" != bundles/step-000001 ] || break
  sleep 0.05
done
kill -TERM $process
wait $process || true
expect_equal "published" "$(readlink aged/published)" bundles/step-000001
expect_err "10 rows read = 10 trained + 0 waiting"

section "a teacher's scores in the stream"
paste stream.tsv <("$tandem" predict --model=base --tower=teacher --input=stream.tsv --output=- 2>err | cut -f3) >scored.tsv
expect_exit 0 online --init_from=base --run_dir=scored --input=scored.tsv "${fast[@]}" model.distill.stored_logits.column=teacher
expect_differ "$(last_checkpoint scored)/student.bin" "$(last_checkpoint whole)/student.bin"
expect_exit 3 online --init_from=base --run_dir=unscored --input=stream.tsv "${fast[@]}" model.distill.stored_logits.column=teacher
expect_err "no column 'teacher'"
awk -F'\t' -v OFS='\t' 'NR > 1 && NR % 3 == 0 {$1 = ""} {print}' stream.tsv >hidden.tsv
expect_exit 0 online --init_from=base --run_dir=hidden --input=hidden.tsv "${fast[@]}" data.unlabelled=USE_TEACHER
expect_err "6,000 rows read = 4,000 trained + 0 waiting + 0 clicks joined + 0 known to the base + 2,000 without a label"

section "bad labels"
# The second half of the stream has its labels flipped: a guarded student is held, an unguarded one learns them.
{ echo "$header"; cat day3.tsv; awk -F'\t' -v OFS='\t' '{$1 = 1 - $1; print}' day4.tsv; } >flipped.tsv
quick=(online.lr_multiplier=5 online.embedding_lr_multiplier=2)
expect_exit 0 online --init_from=base --run_dir=guarded --input=flipped.tsv "${fast[@]}" "${quick[@]}" online.guard_patience=100
expect_err "rolling back to"
grep -q '"event":"rollback"' guarded/metrics.jsonl || fail "no roll-back in metrics.jsonl"
expect_err "times: the model learned what made it worse"
last_window guarded 'd["rollbacks"] >= 3'
expect_exit 0 online --init_from=base --run_dir=unguarded --input=flipped.tsv "${fast[@]}" "${quick[@]}" online.guard_limit=0
last_window unguarded 'd["rollbacks"] == 0'
auc() { "$tandem" evaluate --model="$1" --input=logs/holdout.tsv.gz --format=json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["student"]["auc"])'; }
python3 -c 'import sys; base, guarded, unguarded = map(float, sys.argv[1:]); sys.exit(not (guarded > base - 0.05 and unguarded < guarded - 0.1))' \
  "$(auc base)" "$(auc guarded/published)" "$(auc unguarded/published)" ||
  fail "AUC: base $(auc base), guarded $(auc guarded/published), unguarded $(auc unguarded/published)"

section "bounded"
expect_exit 0 inspect --model=base --format=json
expect_json out 'd["student"]["embedding_rows"] > 1000'
held=$(python3 -c 'import json; print(json.load(open("out"))["student"]["embedding_rows"])')
{ echo "$header"; awk -F'\t' -v OFS='\t' '{$2 = "new" NR; print}' day3.tsv; } >strangers.tsv
expect_exit 0 online --init_from=base --run_dir=bounded --input=strangers.tsv "${fast[@]}" online.max_rows=$((held + 500))
expect_err "occurrences of new ids were served by out-of-vocabulary rows"
last_window bounded "$held + 400 < d['embedding_rows'] <= $held + 500 + 64 * 17 and d['ids_refused'] > 2000"
expect_exit 0 online --init_from=base --run_dir=frozen --input=strangers.tsv "${fast[@]}" online.train_embedding=false
last_window frozen "d['embedding_rows'] <= $held + 20"

section "passed"
