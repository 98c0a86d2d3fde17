#!/usr/bin/env bash
# Writes the golden files of a format: a small log, a run, an online run, bundles, and what was scored with them.
#
#   tests/golden/make.sh build/tandem tests/testdata/golden/format-2
#
# They are made once, by the first Tandem that writes a format, and stay: tests/end_to_end/golden_test.sh shows that every later one
# still reads them and gives the same scores.
set -euo pipefail
tandem=$(realpath "${1:?usage: $0 TANDEM_BINARY OUTPUT}")
output=$(realpath -m "${2:?usage: $0 TANDEM_BINARY OUTPUT}")
configs=$(realpath "$(dirname "$0")/../../configs")
[ ! -e "$output" ] || { echo "make.sh: $output is there; golden files are never made anew" >&2; exit 1; }
mkdir -p "$output"
cd "$output"

# One instruction set: scores are promised for each apart.
quietly() { "$tandem" "$@" --kernels=generic >/dev/null 2>log || { cat log >&2; exit 1; }; }
"$tandem" synth --output=logs --days=4 --rows_per_day=80 --vocabulary=100 --begin_date=2026-01-01 --seed=7 >/dev/null
rm -f logs/*.json
cat >small.pbtxt <<'TEXT'
embedding { dim: 4 id_dropout: 0.05 slow_copy { decay: 0.9 } }
model {
  teacher {
    linear: true
    interaction { cin { layers: 4 layers: 3 } } interaction { fm {} } interaction { cross { layers: 1 rank: 2 } }
    mlp { hidden: 8 hidden: 6 normalize_input: true }
  }
  student { mlp { hidden: 8 hidden: 6 } }
  distill { replay { steps: 2 batches: 3 } }
}
train { window_days: 3 batch_size: 32 shard_rows: 16 average_decay: 0.9 }
runtime { threads: 1 checkpoint_every_steps: 6 log_every_steps: 3 keep_checkpoints: 2 }
TEXT
quietly train --config="$configs/synthetic.pbtxt,small.pbtxt" --run_dir=run --end_date=2026-01-03
quietly export --model=run --output=bundle
quietly export --model=run --output=bundle-int8 --precision=int8 --input=logs/2026-01-04.tsv.gz --max_auc_loss=0.5
zcat logs/2026-01-04.tsv.gz >stream.tsv
quietly online --init_from=run --run_dir=online --input=stream.tsv online.batch_rows=8 online.checkpoint_rows=200 online.checkpoint_seconds=0
rm stream.tsv

quietly predict --model=run --tower=both --input=logs/2026-01-04.tsv.gz --output=run.tsv
for model in bundle bundle-int8 online; do
  quietly predict --model=$model --input=logs/2026-01-04.tsv.gz --output=$model.tsv
done
quietly evaluate --model=run --input=logs/2026-01-04.tsv.gz --output=run.json
rm -f log small.pbtxt
