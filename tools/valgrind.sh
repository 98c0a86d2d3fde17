#!/usr/bin/env bash
# A small life of a model under valgrind: a log made, trained on, resumed, fine-tuned, exported, scored. Ends with valgrind's first complaint.
#
#   tools/valgrind.sh build/tandem         # minutes; needs valgrind, which knows no AVX-512: the program takes the kernels for AVX2
set -euo pipefail
[ $# = 1 ] && [ -x "$1" ] || { sed -n '2,4s/^# \{0,1\}//p' "$0"; [ "${1:-}" = --help ] && exit 0 || exit 2; }
tandem=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/.." && pwd)
command -v valgrind >/dev/null || { echo "valgrind.sh: apt-get install valgrind" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
run() {
  echo "== tandem $1"
  valgrind --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --quiet "$tandem" "$@" >out 2>err || { cat out err; exit 1; }
}
run synth --output=logs --days=2 --rows_per_day=150 --holdout_rows=60 --vocabulary=100
common=("--config=$source_dir/configs/synthetic.pbtxt" 'data.path=logs/{date}.tsv.gz' embedding.dim=4 embedding.min_count=2 embedding.expire_days=1
  model.teacher.mlp.hidden=8 model.student.mlp.hidden=8 train.batch_size=64 train.shard_rows=32 runtime.threads=2 runtime.checkpoint_every_steps=2)
run train "${common[@]}" train.window_days=2 --end_date=2026-01-02 --run_dir=run
run train "${common[@]}" train.window_days=2 --end_date=2026-01-02 --run_dir=run --resume
run export --model=run --output=bundle --accept_poor_model
run predict --model=bundle --input=logs/holdout.tsv.gz --output=scores.tsv
run evaluate --model=run --input=logs/holdout.tsv.gz
echo "== nothing to complain about"
