#!/usr/bin/env bash
# What the design promises of every run, on real days of MovieLens-100K: the student can't touch the teacher's ceiling, threads change
# no byte, and a row's score is its own.
#
#   tests/end_to_end/real_data_test.sh TANDEM_BINARY SOURCE_DIR      # logs: TANDEM_DATA_DIR, else SOURCE_DIR/../shared/data
set -euo pipefail
source "$(dirname "$0")/checks.sh"
data=$(realpath -m "${TANDEM_DATA_DIR:-${2:?}/../shared/data}")
[ -d "$data/ml-100k" ] || { echo "skipped: $data/ml-100k is absent"; exit 77; }
begin "$@"

configs=$source_dir/configs
log='data.path=days/{date}.tsv.gz'
small=(embedding.dim=8 model.teacher.mlp.hidden=32,16 model.student.mlp.hidden=16,8 train.epochs=1 train.batch_size=512 runtime.threads=2)
cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 12 layers: 8 } } } }'
cat >hint.pbtxt <<<'model { distill { hint { teacher_layer: -1 student_layer: -1 } hint { teacher_layer: 0 student_layer: 0 } hint_normalize: true } }'

# train_window RUN CONFIGS OVERRIDES...: on the 30 days that end on 1997-12-04
train_window() {
  last_of_each "$log" "${small[@]}" "${@:3}"
  expect_exit 0 train --config="$2" --run_dir="$1" --end_date=1997-12-04 "${given[@]}"
  expect_err "25,360 rows read = 25,360 trained + 0 quarantined"
}
finetune_day() {  # RUN NEW_RUN FLAGS...
  expect_exit 0 finetune --init_from="$1" --run_dir="$2" --begin_date=1997-12-05 --end_date=1997-12-05 "$log" "${@:3}"
  expect_err "$next_day_rows rows read = $next_day_rows trained + 0 quarantined"
}
rows_of() { zcat "$@" | grep -vc '^label'; }
# Teacher, embedding and the teacher's scores are the same, bit for bit.
expect_same_teacher() {
  local run
  for run in "$1" "$2"; do
    [ -f "$run.tsv" ] || expect_exit 0 predict --model="$run" --input=next_days.tsv --output="$run.tsv" --tower=teacher
  done
  expect_same "$1.tsv" "$2.tsv"
  expect_same "$(last_checkpoint "$1")/teacher.bin" "$(last_checkpoint "$2")/teacher.bin"
  expect_same "$(last_checkpoint "$1")/embedding.bin" "$(last_checkpoint "$2")/embedding.bin"
}

section "prepare"
python3 "$source_dir/tools/prepare_movielens.py" --input="$data/ml-100k" --output=days >prepared.json
expect_json prepared.json 'd["rows"] == 100000'
expect_equal "daily files" "$(find days -name '*.tsv.gz' | wc -l)" 213
next_days=()
for day in 06 07 08 09 10 11 12 13 14 15 16 17 18; do [ ! -f days/1997-12-$day.tsv.gz ] || next_days+=("days/1997-12-$day.tsv.gz"); done
zcat "${next_days[0]}" | sed -n 1p >header.tsv
zcat "${next_days[@]}" | grep -v '^label' >rows.tsv
cat header.tsv rows.tsv >next_days.tsv
next_rows=$(wc -l <rows.tsv)
next_day_rows=$(rows_of days/1997-12-05.tsv.gz | sed -E ':a;s/([0-9])([0-9]{3})($|,)/\1,\2\3/;ta')

# ceiling NAME CONFIGS OVERRIDES...: co-training against the teacher alone, with each way to distill
ceiling() {
  local name=$1 config=$2
  section "ceiling: $name"
  train_window "$name-alone" "$config" "${@:3}" model.method=TEACHER_ALONE
  train_window "$name-co" "$config" "${@:3}"
  expect_same_teacher "$name-alone" "$name-co"
  finetune_day "$name-alone" "$name-alone-tuned"
  finetune_day "$name-co" "$name-co-tuned"
  expect_same_teacher "$name-alone-tuned" "$name-co-tuned"
  expect_differ "$name-alone.tsv" "$name-alone-tuned.tsv"
}
movielens=$configs/movielens.pbtxt
ceiling xdeepfm "$movielens,$configs/teacher/xdeepfm.pbtxt,cin.pbtxt,hint.pbtxt" model.distill.logit_loss=SOFT_LABEL model.distill.temperature=3 \
  model.teacher.mlp.dropout=0.2 model.student.mlp.dropout=0.1 model.student.mlp.normalize_input=true embedding.id_dropout=0.1
ceiling dcn_v2 "$movielens,$configs/teacher/dcn_v2.pbtxt" model.teacher.combine=STACKED model.distill.logit_weight=10 \
  model.distill.lr_multiplier=5 embedding.weight_decay=0.01 train.clip_norm=1
ceiling deepfm "$movielens,$configs/teacher/deepfm.pbtxt" embedding.min_count=2 embedding.l2=0.001 model.distill.student_label_weight=0
section "ceiling: the student alone is tuned"
finetune_day xdeepfm-co xdeepfm-student-tuned --towers=student
expect_same_teacher xdeepfm-co xdeepfm-student-tuned
expect_differ "$(last_checkpoint xdeepfm-co)/student.bin" "$(last_checkpoint xdeepfm-student-tuned)/student.bin"

section "threads"
for threads in 1 2 4; do
  run=threads-$threads
  train_window $run "$movielens,cin.pbtxt,hint.pbtxt" model.teacher.mlp.dropout=0.2 embedding.id_dropout=0.1 train.epochs=2 runtime.threads=$threads
  expect_exit 0 export --model=$run --output=bundle-$threads
  expect_exit 0 predict --model=$run --input=next_days.tsv --output=$run.tsv --tower=both runtime.threads=$threads
  [ $threads = 1 ] && continue
  expect_same_folder threads-1/checkpoints $run/checkpoints
  expect_same_folder bundle-1 bundle-$threads
  expect_same threads-1.tsv $run.tsv
done

section "a row's score is its own"
score() { expect_exit 0 predict --model=threads-1 --input="$1" --output="$2" --tower=both "${@:3}"; }
order=(1 7 129 500 1024 "$next_rows")
{ cat header.tsv; for line in "${order[@]}"; do sed -n "${line}p" rows.tsv; done; } >picked.tsv
score picked.tsv picked.scores
for i in "${!order[@]}"; do
  { cat header.tsv; sed -n "${order[i]}p" rows.tsv; } >alone.tsv
  score alone.tsv alone.scores
  expect_equal "row ${order[i]} alone" "$(sed -n 2p alone.scores)" "$(sed -n "$((order[i] + 1))p" threads-1.tsv)"
  expect_equal "row ${order[i]} among a few" "$(sed -n "$((i + 2))p" picked.scores)" "$(sed -n 2p alone.scores)"
done
{ cat header.tsv; shuf --random-source=rows.tsv rows.tsv; } >shuffled.tsv
expect_differ shuffled.tsv next_days.tsv
for threads in 1 3; do
  score shuffled.tsv shuffled.scores runtime.threads=$threads
  cmp <(sort shuffled.scores) <(sort threads-1.tsv) >&2 || fail "scores of the shuffled file on $threads threads"
done
tail -n +2 threads-1.tsv | cut -f1-3 | cmp - <(cut -f2,3,12 rows.tsv) || fail "keys are not those of the input, in its order"

section "quality"
train_window quality "$movielens" embedding.dim=16 model.student.mlp.hidden=64,32 train.epochs=2 train.batch_size=256
expect_exit 0 evaluate --model=quality --input="$(IFS=,; echo "${next_days[*]}")" --output=quality.json
expect_json quality.json "d['rows'] == $next_rows"
expect_json quality.json "0.65 < d['student']['auc'] < 0.8"
expect_json quality.json "0.65 < d['teacher']['auc'] < 0.8"
section "passed"
