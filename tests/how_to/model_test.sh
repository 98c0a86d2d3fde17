#!/usr/bin/env bash
# The layer of docs/how_to_add_an_interaction.md in a model: trained, fine-tuned with a feature less and back again, exported, scored.
#
#   tests/how_to/model_test.sh TANDEM SOURCE_DIR
set -euo pipefail
tandem=$(realpath "$1")
source=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "model_test: $*" >&2; exit 1; }
run() { "$tandem" "$@" >log 2>&1 || { cat log >&2; fail "failed: tandem $*"; }; }

run synth --output=logs --days=4 --rows_per_day=4000 --vocabulary=100 --begin_date=2026-01-01
cat >senet.pbtxt <<'TEXT'
model {
  teacher { interaction { senet { reduced: 4 } } mlp { hidden: 16 } }
  student { interaction { senet {} } mlp { hidden: 8 } }
}
TEXT
run train --config="$source/configs/synthetic.pbtxt,senet.pbtxt" --run_dir=run --end_date=2026-01-02 train.window_days=2 embedding.dim=4 train.batch_size=64 train.epochs=2
grep -q 'reduced: 3' run/config.pbtxt || fail "the layer's default isn't in run/config.pbtxt"
run inspect --model=run --format=json --output=model.json
grep -q 'interaction/0/squeeze' model.json || fail "inspect names no block of the layer"

# A value that the layer can't be built from is refused with its key.
status=0
"$tandem" train --config="$source/configs/synthetic.pbtxt,senet.pbtxt" --run_dir=none --end_date=2026-01-02 \
  model.student.interaction.senet.reduced=0 >log 2>&1 || status=$?
[ "$status" = 2 ] || fail "a setting that can't be: exit $status"

# Without a feature, and with it again: the fields that stay keep what they learned.
run finetune --init_from=run --run_dir=less --begin_date=2026-01-03 --end_date=2026-01-03 drop_feature=hour --allow_feature_change
run finetune --init_from=less --run_dir=more --begin_date=2026-01-03 --end_date=2026-01-03 drop_feature= --allow_feature_change
for model in run less more; do run evaluate --model=$model --input=logs/2026-01-04.tsv.gz --output=$model.json; done
for tower in teacher student; do
  for model in run less more; do
    python3 -c 'import json, sys
auc = json.load(open(sys.argv[1] + ".json"))[sys.argv[2]]["auc"]
sys.exit(0 if auc > 0.55 else f"the {sys.argv[2]} of {sys.argv[1]} has learned nothing: AUC {auc}")' $model $tower || fail "see above"
  done
done

run export --model=more --output=bundle
run predict --model=bundle --input=logs/2026-01-04.tsv.gz --output=bundle.tsv
run predict --model=more --input=logs/2026-01-04.tsv.gz --output=run.tsv --tower=student
cmp bundle.tsv run.tsv || fail "the bundle scores otherwise than the run"
echo "trained, fine-tuned, exported and scored with the layer of the page"
