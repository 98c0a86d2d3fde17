#!/usr/bin/env bash
# Serving in less memory: `export --precision`, from the run to the scores (docs/low_precision.md).
#
#   tests/end_to_end/low_precision_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
holdout=logs/holdout.tsv.gz

section "a run"
expect_exit 0 synth --output=logs --days=3 --rows_per_day=1500 --holdout_rows=1500 --vocabulary=2000 --seed=3
expect_exit 0 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=run --end_date=2026-01-03 \
  'data.path=logs/{date}.tsv.gz' train.window_days=3 model.teacher.mlp.hidden=16 train.batch_size=64
expect_exit 0 export --model=run --output=f32
expect_exit 0 export --model=run --output=f32-named --precision=f32
expect_same_folder f32 f32-named
expect_exit 0 evaluate --model=f32 --input=$holdout --output=f32.json

section "export, evaluate, inspect, predict"
for precision in bf16 int8; do
  expect_exit 0 export --model=run --output=$precision --precision=$precision --input=$holdout --max_auc_loss=0.01
  expect_equal "what export prints" "$(cat out)" $precision
  expect_err "1500 rows"
  expect_err "change"
  expect_exit 0 export --model=run --output=$precision-again --precision=$precision --input=$holdout --max_auc_loss=0.01 runtime.threads=1
  expect_same_folder $precision $precision-again

  expect_exit 0 evaluate --model=$precision --input=$holdout --output=$precision.json
  expect_exit 0 inspect --model=$precision --format=json
  expect_json out "d['precision'] == '$precision' and d['precision_report']['rows'] == 1500"
  # What the bundle says of itself is what anyone measures.
  python3 - $precision <<'PYTHON' || fail "the report in the bundle is not what evaluate finds"
import json, sys
precision = sys.argv[1]
report = json.load(open("out"))["precision_report"]
for name in ("f32", precision):
    found = json.load(open(name + ".json"))["student"]
    for metric in ("auc", "logloss", "copc"):
        assert report[name][metric] == found[metric], (name, metric, report[name], found)
PYTHON
  expect_exit 0 inspect --model=$precision --time
  expect_out "$precision"
  expect_out "change"

  expect_exit 0 predict --model=$precision --input=$holdout --output=$precision.tsv
  expect_exit 0 predict --model=$precision --input=$holdout --output=one-thread.tsv runtime.threads=1
  expect_same $precision.tsv one-thread.tsv
  expect_exit 2 predict --model=$precision --input=$holdout --output=never.tsv --tower=teacher
done
expect_exit 0 inspect --model=f32 --format=json
expect_json out 'd["precision"] == "f32" and "precision_report" not in d'
expect_differ bf16.tsv int8.tsv

section "evaluate with products of bfloat16"
expect_exit 0 evaluate --model=run --input=$holdout --format=json --output=run-f32.json
expect_exit 0 evaluate --model=run --input=$holdout --format=json --output=run-bf16.json --precision=bf16
for tower in teacher student; do
  expect_json run-bf16.json "d['$tower']['auc'] != json.load(open('run-f32.json'))['$tower']['auc']"
  expect_json run-bf16.json "abs(d['$tower']['auc'] - json.load(open('run-f32.json'))['$tower']['auc']) < 0.003"
done
expect_exit 2 evaluate --model=run --input=$holdout --precision=int8
expect_err "a bundle can be exported in int8"
expect_exit 2 evaluate --model=int8 --input=$holdout --precision=bf16
expect_err "was exported in int8"

section "the same scores on any processor"
for kernels in generic avx2; do
  "$tandem" predict --kernels=$kernels --model=f32 --input=$holdout >plain.tsv 2>err || continue
  for precision in bf16 int8; do
    expect_exit 0 predict --kernels=$kernels --model=$precision --input=$holdout --output=other.tsv
    expect_same other.tsv $precision.tsv
  done
done

section "sizes"
size() { stat -c %s "$1/embedding.bin"; }
[ $(($(size bf16) * 10)) -lt $(($(size f32) * 6)) ] || fail "bf16: $(size bf16) bytes of $(size f32)"
[ $(($(size int8) * 10)) -lt $(($(size f32) * 4)) ] || fail "int8: $(size int8) bytes of $(size f32)"

section "refusals"
expect_exit 2 export --model=run --output=never --precision=int8
expect_err "needs --input"
expect_exit 2 export --model=run --output=never --precision=int4 --input=$holdout
expect_err "'f32', 'bf16' or 'int8'"
expect_exit 2 export --model=run --output=never --input=$holdout
expect_exit 2 export --model=run --output=never data.delimited.delimiter=,
expect_exit 2 export --model=run --output=never --precision=int8 --input=$holdout --max_auc_loss=-1
expect_exit 2 export --model=run --output=never --precision=int8 --input=$holdout embedding.dim=4
expect_exit 3 export --model=run --output=never --precision=int8 --input=nowhere.tsv
expect_exit 2 export --model=int8 --output=never --precision=bf16 --input=$holdout
# Two rows whose order int8 turns round are enough to lose all of AUC.
expect_exit 0 predict --model=f32 --input=$holdout --output=f32.tsv
python3 - <<'PYTHON' || fail "no two rows whose order int8 changes"
import gzip
samples = gzip.open("logs/holdout.tsv.gz", "rt").read().splitlines()
scores = {name: [float(line.split("\t")[-1]) for line in open(name + ".tsv").read().splitlines()[1:]] for name in ("f32", "int8")}
label = samples[0].split("\t").index("label")
order = sorted(range(len(scores["f32"])), key=lambda row: scores["f32"][row])
low, high = next((a, b) for a, b in zip(order, order[1:])
                 if scores["f32"][a] < scores["f32"][b] and scores["int8"][a] > scores["int8"][b])
def with_label(row, text):
    cells = samples[1 + row].split("\t")
    cells[label] = text
    return "\t".join(cells)
open("turned.tsv", "w").write("\n".join([samples[0], with_label(low, "0"), with_label(high, "1")]) + "\n")
PYTHON
expect_exit 2 export --model=run --output=never --precision=int8 --input=turned.tsv
expect_err "AUC falls from 1.000000 to 0.000000"
expect_err "max_auc_loss"
expect_absent never
expect_exit 0 export --model=run --output=allowed --precision=int8 --input=turned.tsv --max_auc_loss=1

section "damage"
for name in graph.bin embedding.bin; do
  rm -rf hurt && cp -r int8 hurt
  python3 -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[1], "wb").write(data)' hurt/$name
  expect_exit 4 predict --model=hurt --input=$holdout --output=never.tsv
  expect_exit 4 inspect --model=hurt
  rm -rf hurt && cp -r int8 hurt && cp bf16/$name hurt/
  expect_exit 4 predict --model=hurt --input=$holdout --output=never.tsv
  expect_absent never.tsv
done
section "passed"
