#!/usr/bin/env bash
# The whole path on real days, with the checks of a careful user: MovieLens-100K is prepared, a teacher and a student are trained on
# 30 days, fine-tuned on the next, evaluated on the days after, exported, and used to score a file.
#
#   tests/end_to_end/movielens.sh FOLDER_OF_ML_100K [TANDEM_BINARY]      # about a minute; the folder is only read
set -euo pipefail
source_dir=$(realpath "${1:?usage: movielens.sh FOLDER_OF_ML_100K [TANDEM_BINARY]}")
cd "$(dirname "$0")/../.."
tandem=$(realpath "${2:-build/tandem}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
expect_equal() { [ "$2" = "$3" ] || fail "$1: $2 where $3 is expected"; }
# count_rows FILE...: rows below the headers
count_rows() { local total=0 file; for file in "$@"; do total=$((total + $(zcat "$file" | wc -l) - 1)); done; echo $total; }
# json FILE EXPRESSION: `d` is the file's value
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }
expect_true() { expect_equal "$1" "$(json "$2" "$3")" True; }

echo "-- prepare"
python3 tools/prepare_movielens.py --input="$source_dir" --output="$work/days" >"$work/prepared.json"
expect_equal "rows" "$(json "$work/prepared.json" 'd["rows"]')" 100000
expect_equal "daily files" "$(find "$work/days" -name "*.tsv.gz" | wc -l)" 213

echo "-- train on 1997-11-05..1997-12-04"
overrides=("data.path=$work/days/{date}.tsv.gz" train.batch_size=256 train.epochs=2 runtime.threads=2)
"$tandem" train --config=configs/movielens.pbtxt --run_dir="$work/run" --end_date=1997-12-04 "${overrides[@]}" 2>"$work/train.log" ||
  { cat "$work/train.log" >&2; fail "train"; }
grep -q "25,360 rows read" "$work/train.log" || { cat "$work/train.log" >&2; fail "the window has 25,360 rows"; }
[ -s "$work/run/metrics.jsonl" ] || fail "no metrics.jsonl"
[ -s "$work/run/config.pbtxt" ] || fail "no config.pbtxt"

echo "-- refuses to train over a run"
code=0; "$tandem" train --config=configs/movielens.pbtxt --run_dir="$work/run" --end_date=1997-12-04 "${overrides[@]}" 2>/dev/null || code=$?
expect_equal "exit code of train on a run" $code 2

echo "-- fine-tune on 1997-12-05"
"$tandem" finetune --init_from="$work/run" --run_dir="$work/finetuned" --begin_date=1997-12-05 --end_date=1997-12-05 \
  "data.path=$work/days/{date}.tsv.gz" 2>"$work/finetune.log" || { cat "$work/finetune.log" >&2; fail "finetune"; }

echo "-- evaluate on 1997-12-06..1997-12-18"
mkdir "$work/test"
for day in 06 07 08 09 10 11 12 13 14 15 16 17 18; do
  file=$work/days/1997-12-$day.tsv.gz
  [ ! -f "$file" ] || ln -s "$file" "$work/test/"
done
rows=$(count_rows "$work"/test/*)
for run in run finetuned; do
  "$tandem" evaluate --model="$work/$run" --input="$work/test/*.tsv.gz" --output="$work/$run.json" 2>>"$work/evaluate.log" ||
    { cat "$work/evaluate.log" >&2; fail "evaluate"; }
  expect_equal "rows evaluated" "$(json "$work/$run.json" 'd["rows"]')" "$rows"
  for tower in teacher student; do
    echo "   $run $tower: AUC $(json "$work/$run.json" "d['$tower']['auc']"), log loss $(json "$work/$run.json" "d['$tower']['logloss']")"
    expect_true "AUC of $run $tower above 0.65" "$work/$run.json" "0.65 < d['$tower']['auc'] < 0.8"
    expect_true "log loss of $run $tower" "$work/$run.json" "0.55 < d['$tower']['logloss'] < 0.69"
    expect_true "calibration of $run $tower" "$work/$run.json" "0.8 < d['$tower']['copc'] < 1.25"
  done
done

echo "-- predict from the run and from its bundle"
"$tandem" export --model="$work/finetuned" --output="$work/bundle" 2>"$work/export.log" || { cat "$work/export.log" >&2; fail "export"; }
for model in finetuned bundle; do
  "$tandem" predict --model="$work/$model" --input="$work/test/*.tsv.gz" --output="$work/$model.tsv" --tower=student 2>"$work/predict.log" ||
    { cat "$work/predict.log" >&2; fail "predict from $model"; }
done
cmp "$work/finetuned.tsv" "$work/bundle.tsv" || fail "the bundle's scores are not the run's"
expect_equal "rows scored" "$(($(wc -l <"$work/bundle.tsv") - 1))" "$rows"
expect_equal "columns" "$(head -1 "$work/bundle.tsv")" "$(printf 'user\tmovie\ttimestamp\tstudent')"
# Keys come through in input order.
for file in "$work"/test/*; do zcat "$file" | awk -F'\t' 'FNR > 1 {print $2 "\t" $3 "\t" $12}'; done >"$work/keys.tsv"
tail -n +2 "$work/bundle.tsv" | cut -f1-3 | cmp - "$work/keys.tsv" || fail "keys are not those of the input, in its order"
awk -F'\t' 'NR > 1 && !($4 > 0 && $4 < 1) {exit 1}' "$work/bundle.tsv" || fail "a score is not a probability"

echo "-- inspect"
"$tandem" inspect --model="$work/finetuned" --format=json >"$work/inspect.json" || fail "inspect"
expect_true "the student is smaller" "$work/inspect.json" \
  "0 < d['student']['dense_parameters'] < d['teacher']['dense_parameters'] and d['student']['flops_per_sample'] < d['teacher']['flops_per_sample']"

echo "passed"
