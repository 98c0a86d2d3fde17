#!/usr/bin/env bash
# What is given twice is refused, or read once and told: flags, configuration files, settings, sample files.
#
#   tests/end_to_end/given_twice_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

mkdir shop
for day in 1 2; do
  (printf 'clicked\tvisitor\tgoods\n'
   for i in $(seq 80); do printf '%d\tv%d\tg%d\n' $((i % 3 == day)) $((i % 7)) $((i % 5)); done) >shop/2026-03-0$day.tsv
done
cat >shop.pbtxt <<'CONFIG'
data { path: "shop/{date}.tsv" label: "clicked" key_columns: "visitor" }
feature { name: "visitor" sparse {} }
feature { name: "goods" sparse {} }
embedding { dim: 4 }
model { method: STUDENT_ALONE student { mlp { hidden: 4 } } }
train { window_days: 2 batch_size: 16 shard_rows: 16 }
runtime { threads: 1 }
CONFIG
echo 'train { epochs: 2 }' >more.pbtxt
train() { expect_exit "$1" train --run_dir="$2" --end_date=2026-03-02 "${@:3}"; }
train 0 run --config=shop.pbtxt

section "flags"
expect_exit 2 predict --model=run --input=shop/2026-03-01.tsv --input=shop/2026-03-02.tsv
expect_err "--input is given twice (shop/2026-03-01.tsv and shop/2026-03-02.tsv)"
expect_err "with commas: --input=shop/2026-03-01.tsv,shop/2026-03-02.tsv"
expect_exit 2 predict --model run --model=run --input=shop/2026-03-01.tsv
expect_err "--model is given twice"
train 2 x --config=shop.pbtxt --config=more.pbtxt
expect_err "--config is given twice"
train 2 x --config=shop.pbtxt --resume --noresume
expect_err "--resume is given twice"
expect_absent x

section "configuration files and settings"
ln -s shop.pbtxt again.pbtxt
for twice in shop.pbtxt ./shop.pbtxt again.pbtxt; do
  train 2 x --config=shop.pbtxt,more.pbtxt,$twice
  expect_err "--config: $twice is"
done
expect_exit 2 tune --config=shop.pbtxt,more.pbtxt,shop.pbtxt --run_dir=x --end_date=2026-03-02 --budget=10s
expect_err "--config: shop.pbtxt is there twice"
expect_exit 2 inspect --data --input=shop/2026-03-01.tsv --config=shop.pbtxt,shop.pbtxt
expect_err "--config: shop.pbtxt is there twice"
train 2 x --config=shop.pbtxt train.epochs=1 train.epochs=2
expect_err "'train.epochs' is given twice"
train 2 x --config=shop.pbtxt train.optimizer.adam.lr=0.1 train.optimizer.sgd.lr=0.1
expect_err "'train.optimizer.adam.lr=0.1' has no effect"
echo 'train { epochs: 2 epochs: 3 }' >field.pbtxt
train 2 x --config=shop.pbtxt,field.pbtxt
expect_err "epochs"

section "sample files"
ln -s 2026-03-02.tsv shop/newest.tsv
for twice in shop/2026-03-01.tsv ./shop/2026-03-01.tsv 'shop/*-03-01*'; do
  expect_exit 0 evaluate --model=run --input="shop/2026-03-*.tsv,$twice" --format=json
  expect_json out 'd["rows"] == 160'
  expect_err "shop/2026-03-01.tsv is"
  expect_err "read once"
done
expect_exit 0 evaluate --model=run --input='shop/*' --format=json
expect_json out 'd["rows"] == 160'
expect_err "shop/newest.tsv is the same file as shop/2026-03-02.tsv"
expect_exit 0 train --run_dir=whole --config=shop.pbtxt 'data.path=shop/*'
expect_err "160 rows read"
expect_err "read once"
expect_exit 2 predict --model=run --input=-,- </dev/null
expect_err "standard input (-) is named twice"
ln -sf 2026-03-01.tsv shop/2026-03-02.tsv
train 2 x --config=shop.pbtxt
expect_err "shop/2026-03-02.tsv, of 2026-03-02, is the same file as shop/2026-03-01.tsv, of 2026-03-01"
expect_absent x
