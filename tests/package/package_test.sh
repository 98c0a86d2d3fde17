#!/usr/bin/env bash
# What `cmake --install` leaves is enough to build programs that train, score and serve, with the bits of the command line.
#
#   tests/package/package_test.sh BUILD_DIR [flags of the example, such as -fsanitize=address]
set -euo pipefail
build=$(realpath "$1")
flags=${2:-}
source=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "package_test: $*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

quietly cmake --install "$build" --prefix "$work/prefix"
tandem=$work/prefix/bin/tandem
headers=$work/prefix/include

# Each header stands alone, and those that scoring needs bring no protobuf in.
check_header() { "${CXX:-c++}" -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I "$1" -x c++ "$1/tandem/$2"; }
export -f check_header
ls "$headers/tandem" | xargs -P 2 -I {} bash -c 'check_header "$0" {}' "$headers" || fail "a header doesn't stand alone"
for header in predictor batch served_model scoring_service; do
  "${CXX:-c++}" -std=c++17 -M -I "$headers" -x c++ "$headers/tandem/$header.h" >"$work/included"
  ! grep -E 'google/protobuf|\.pb\.h' "$work/included" || fail "$header.h includes protobuf"
done

# The examples see the package only.
for example in score_in_process scoring_service train_in_process own_row_store; do
  cp -r "$source/examples/$example" "$work/$example"
  quietly cmake -S "$work/$example" -B "$work/$example/build" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=$work/prefix" \
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror $flags"
  quietly cmake --build "$work/$example/build"
done

cd "$work"
quietly "$tandem" synth --output=logs --days=2 --rows_per_day=300 --vocabulary=100 --begin_date=2026-01-01
quietly "$tandem" train --config="$source/configs/synthetic.pbtxt" --run_dir=run --end_date=2026-01-02 \
  train.window_days=2 embedding.dim=4 model.teacher.mlp.hidden=8 model.student.mlp.hidden=8 train.batch_size=64
quietly "$tandem" export --model=run --output=bundle

zcat logs/2026-01-02.tsv.gz >samples.tsv
"$tandem" predict --model=bundle --input=samples.tsv --output=predicted.tsv 2>"$work/log" || fail "$(cat "$work/log")"
tail -n +2 predicted.tsv | awk -F '\t' '{print $NF}' >expected
score_in_process/build/score_in_process bundle <samples.tsv >scored
[ "$(wc -l <scored)" = 300 ] || fail "$(wc -l <scored) scores of 300 samples"
diff expected scored || fail "scores in process (>) differ from those of predict (<)"
scoring_service/build/scoring_service bundle <samples.tsv >served
diff expected served || fail "scores of the service (>) differ from those of predict (<)"
[ "$(sort -u scored | wc -l)" -gt 100 ] || fail "the scores hardly differ from sample to sample"

quietly "$tandem" export --model=run --output=int8 --precision=int8 --input=samples.tsv --max_auc_loss=0.05
"$tandem" predict --model=int8 --input=samples.tsv 2>"$work/log" | tail -n +2 | awk -F '\t' '{print $NF}' >expected
score_in_process/build/score_in_process int8 <samples.tsv >scored
diff expected scored || fail "scores in int8 in process (>) differ from those of predict (<)"
# What a program trains is what the command line trains.
{
  sed '/^embedding {/,$d' "$source/configs/synthetic.pbtxt" # data and features
  echo 'embedding { dim: 4 } model { teacher { mlp { hidden: 8 } } student { mlp { hidden: 8 } } } train { window_days: 2 batch_size: 64 }'
} >experiment.pbtxt
train_in_process/build/train_in_process experiment.pbtxt 'logs/{date}.tsv.gz' 2026-01-02 logs/2026-01-02.tsv.gz trained >told 2>"$work/log" ||
  fail "train_in_process: $(cat "$work/log")"
[ "$(grep -c '^2026-01-0[12]: ' told)" = 2 ] && grep -q '^10 steps$' told && grep -q '"student":{"auc":' told ||
  fail "train_in_process tells: $(cat told)"
train_in_process/build/train_in_process experiment.pbtxt 'logs/{date}.tsv.gz' 2026-01-02 logs/2026-01-02.tsv.gz trained >again 2>"$work/log" ||
  fail "train_in_process, called again: $(cat "$work/log")"
grep -q '"student":{"auc":' again && grep -q '^trained/bundle is there already' again || fail "train_in_process tells, called again: $(cat again)"
quietly "$tandem" train --config=experiment.pbtxt --run_dir=alike --end_date=2026-01-02
quietly "$tandem" export --model=alike --output=alike-bundle
own_row_store/build/own_row_store experiment.pbtxt 'logs/{date}.tsv.gz' 2026-01-02 stored >told 2>"$work/log" || fail "own_row_store: $(cat "$work/log")"
grep -qE '^10 steps asked for [0-9]{3,} keys, and [0-9]{3,} rows learned$' told || fail "own_row_store tells: $(cat told)"
for file in alike/checkpoints/step-000010/*.bin; do
  cmp "$file" "stored/checkpoints/step-000010/$(basename "$file")" || fail "rows in a store of the program's own change $(basename "$file")"
done
diff -r alike-bundle trained/bundle || fail "what the program trained differs from what the command line trains"

echo "300 samples score the same in process, by the service and by predict."
