#!/usr/bin/env bash
# A model that should not be served is named, ends its run with exit code 5, and is refused where it would be served.
#
#   tests/end_to_end/poor_models_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

# write DAY LABEL: a day of a shop, LABEL a Python expression of the row's random number r and its goods g
write() {
  mkdir -p shop
  python3 - "$1" "$2" <<'PYTHON'
import random, sys
day, label = int(sys.argv[1]), eval("lambda r, g: " + sys.argv[2])
draw = random.Random(day)
with open(f"shop/2026-05-0{day}.tsv", "w") as log:
    log.write("bought\tvisitor\tgoods\tworth\n")
    for _ in range(1500):
        g = draw.randrange(12)
        log.write(f"{int(label(draw.random(), g))}\tv{draw.randrange(30)}\tg{g}\t1\n")
PYTHON
}
cat >shop.pbtxt <<'CONFIG'
data { path: "shop/{date}.tsv" label: "bought" key_columns: "visitor" }
feature { name: "visitor" sparse {} }
feature { name: "goods" sparse {} }
embedding { dim: 4 optimizer { adam { lr: 0.01 } } }
model { teacher { interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 8 } } distill { hint_weight: 0 } }
train { window_days: 2 batch_size: 64 shard_rows: 32 optimizer { adam { lr: 0.01 } } }
runtime { threads: 1 }
CONFIG
train() { expect_exit "$1" train --config=shop.pbtxt --run_dir="$2" --end_date=2026-05-02 "${@:3}"; }
for day in 1 2 3; do write $day 'r < 0.1 + 0.5 * (g % 3 == 0)'; done

section "an honest run"
train 0 good
expect_exit 0 export --model=good --output=bundle

section "a rate that explodes"
wild=(train.optimizer.adam.lr=30 embedding.optimizer.adam.lr=30)
train 5 wild "${wild[@]}"
expect_err "this model should not be served: the student"
expect_err "docs/poor_models.md"
expect_out wild/checkpoints
train 5 wild "${wild[@]}" --resume
expect_err "should not be served"
expect_out complete
expect_exit 0 evaluate --model=wild --input=shop/2026-05-03.tsv
expect_exit 5 export --model=wild --output=refused
expect_err "accept_poor_model"
expect_absent refused
expect_exit 0 export --model=wild --output=accepted --accept_poor_model
expect_exit 5 online --init_from=wild --run_dir=stream --input=shop/2026-05-03.tsv
expect_err "accept_poor_model"
expect_absent stream
expect_exit 0 online --init_from=wild --run_dir=stream --input=shop/2026-05-03.tsv --accept_poor_model
expect_exit 5 train --config=shop.pbtxt --run_dir=held --end_date=2026-05-02 "${wild[@]}" train.epochs=3 'train.validation.share=0.2'
expect_err "should not be served: the"
expect_exit 0 daily --config=shop.pbtxt --run_dir=nights --begin_date=2026-05-02 --end_date=2026-05-02 "${wild[@]}" daily.gate.min_auc=0 \
  daily.gate.min_copc=0 daily.gate.max_copc=0
grep -q '"published":false' nights/days.jsonl || fail "a poor model was published"
grep -q '"reasons":\["the student' nights/days.jsonl || fail "daily doesn't say why: $(cat nights/days.jsonl)"
expect_exit 0 daily --config=shop.pbtxt --run_dir=taken --begin_date=2026-05-02 --end_date=2026-05-02 "${wild[@]}" daily.gate.min_auc=0 \
  daily.gate.min_copc=0 daily.gate.max_copc=0 --accept_poor_model
grep -q '"published":true' taken/days.jsonl || fail "the poor model was not accepted"

section "runs that were stopped in the middle of a day"
train 0 young runtime.checkpoint_every_steps=20 runtime.keep_checkpoints=9
expect_exit 0 export --model=young/checkpoints/step-000020 --output=young-bundle
train 5 mad "${wild[@]}" runtime.checkpoint_every_steps=20 runtime.keep_checkpoints=9
expect_exit 5 export --model=mad/checkpoints/step-000020 --output=refused
expect_err "step-000020: should not be served: the student has exploded"
expect_exit 5 online --init_from=mad/checkpoints/step-000020 --run_dir=stream2 --input=shop/2026-05-03.tsv
expect_err "step-000020: should not be served"
expect_exit 0 export --model=mad/checkpoints/step-000020 --output=taken-bundle --accept_poor_model

section "nothing to learn from"
awk -F'\t' -v OFS='\t' 'NR > 1 { $4 = 0 } { print }' shop/2026-05-01.tsv >weightless.tsv
awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = 0 } { print }' shop/2026-05-01.tsv >no_click.tsv
awk -F'\t' -v OFS='\t' 'NR > 1 && $1 == 1 && ++n > 8 { next } NR > 1 && $1 == 1 { $1 = "yes" } { print }' shop/2026-05-01.tsv >set_aside.tsv
whole() { expect_exit "$1" train --config=shop.pbtxt --run_dir="$2" "data.path=$2.tsv" "${@:3}"; }
whole 5 weightless data.weight_column=worth
expect_err "nothing to learn from"
whole 5 no_click
expect_err "no positive row"
whole 5 set_aside
expect_err "no positive row"
expect_err "8 rows were set aside for their label"
awk -F'\t' 'NR > 1 && $1 == 1 && ++n > 8 { next } { print }' shop/2026-05-01.tsv >rare.tsv
whole 0 rare
expect_err "only 8 of the"
expect_err "rows are positive (label 1): next to nothing to learn from"
expect_exit 5 finetune --init_from=good --run_dir=tuned --input=no_click.tsv
expect_err "no positive row"

section "a day without rows"
head -1 shop/2026-05-01.tsv >shop/2026-05-02.tsv
train 0 empty
expect_err "shop/2026-05-02.tsv: not one row to learn from, and 2026-05-02 is the newest day"
