#!/usr/bin/env bash
# Ids that are written otherwise than in training are told: by predict and by evaluate, feature by feature.
#
#   tests/end_to_end/unknown_ids_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

(printf 'bought\tvisitor\tgoods\tseen\n'
 for i in $(seq 400); do printf '%d\t%d\t%d\t%d|%d\n' $((i % 3 == 1)) $((i % 40)) $((i % 9)) $((i % 5)) $((i % 7)); done) >shop.tsv
cat >shop.pbtxt <<'CONFIG'
data { path: "shop.tsv" label: "bought" key_columns: "visitor" }
feature { name: "visitor" sparse {} }
feature { name: "goods" sparse {} }
feature { name: "last" column: "seen" sparse { multi_valued: true } }
embedding { dim: 4 }
model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 4 } } distill { hint_weight: 0 } }
train { batch_size: 16 shard_rows: 16 }
runtime { threads: 2 }
CONFIG
expect_exit 0 train --config=shop.pbtxt --run_dir=run
expect_exit 0 export --model=run --output=bundle
expect_exit 0 export --model=run --output=small --precision=bf16 --input=shop.tsv --max_auc_loss=1
# Visitors as a table of floats has them; of the goods a quarter are new.
awk -F'\t' -v OFS='\t' 'NR > 1 { $2 = $2 ".0"; if (NR % 4 == 0) $3 = "x" NR } { print }' shop.tsv >floats.tsv
for model in run bundle small; do
  expect_exit 0 predict --model=$model --input=shop.tsv --output=scores.tsv
  expect_err "ids unknown to the model, by feature: visitor 0 %, goods 0 %, last 0 %"
  expect_exit 0 predict --model=$model --input=floats.tsv --output=scores.tsv
  expect_err "visitor 100 %, goods 25 %, last 0 %"
  expect_err "feature 'visitor', column 'visitor': 400 of 400 ids are unknown to the model"
  ! grep -q "feature 'goods'" err || fail "a quarter of new goods is nothing to warn of"
  expect_exit 0 evaluate --model=$model --input=floats.tsv --format=json
  expect_json out 'd["fields"]["visitor"] == {"ids": 400, "unknown_ids": 1} and d["fields"]["goods"]["unknown_ids"] == 0.25'
  expect_json out 'd["fields"]["last"] == {"ids": 800, "unknown_ids": 0}'
  expect_err "feature 'visitor'"
  expect_exit 0 evaluate --model=$model --input=floats.tsv
  expect_out 'Ids unknown to the model, by feature: "visitor" 100 %, "goods" 25 %, "last" 0 %'
done
