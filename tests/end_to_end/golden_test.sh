#!/usr/bin/env bash
# What earlier Tandems wrote is read, and gives the scores that it gave then, byte for byte (docs/file_formats.md, tests/golden/make.sh).
#
#   tests/end_to_end/golden_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
day=logs/2026-01-04.tsv.gz

for golden in "$source_dir"/tests/testdata/golden/format-*; do
  name=$(basename "$golden")
  rm -rf "$name" && cp -r "$golden" "$name" && chmod -R u+w "$name" && cd "$name"

  section "$name: scores"
  expect_exit 0 predict --model=run --tower=both --input=$day --output=scores.tsv --kernels=generic
  expect_same run.tsv scores.tsv
  for model in bundle bundle-int8 online; do
    expect_exit 0 predict --model=$model --input=$day --output=scores.tsv --kernels=generic
    expect_same $model.tsv scores.tsv
  done
  expect_exit 0 evaluate --model=run --input=$day --output=evaluated.json --kernels=generic
  expect_json evaluated.json "all(abs(d[t]['logloss'] - json.load(open('run.json'))[t]['logloss']) < 1e-12 for t in ('teacher', 'student'))"
  expect_exit 0 inspect --model=run --format=json
  expect_exit 0 export --model=run --output=exported --kernels=generic
  expect_exit 0 predict --model=exported --input=$day --output=scores.tsv --kernels=generic
  expect_same bundle.tsv scores.tsv

  # near FILE FILE: the last columns of scores, but for the last digits of another library's exp
  near() {
    python3 -c 'import sys
a, b = ([[float(x) for x in line.split("\t")[-2:]] for line in open(name).readlines()[1:]] for name in sys.argv[1:])
sys.exit(len(a) != len(b) or not a or max(abs(x - y) for r, s in zip(a, b) for x, y in zip(r, s)) > 1e-4)' "$1" "$2" ||
      fail "$1 and $2 are further apart than rounding"
  }

  section "$name: a run that was interrupted is resumed"
  cp -r run resumed && rm -r "$(last_checkpoint resumed)" resumed/complete
  expect_exit 0 train --run_dir=resumed --end_date=2026-01-03 --resume --kernels=generic
  expect_equal "the last checkpoint" "$(basename "$(last_checkpoint resumed)")" "$(basename "$(last_checkpoint run)")"
  expect_exit 0 predict --model=resumed --tower=both --input=$day --output=scores.tsv --kernels=generic
  near run.tsv scores.tsv
  expect_exit 0 train --run_dir=run --end_date=2026-01-03 --resume --kernels=generic
  expect_equal "a finished run" "$(cat "$work/out")" complete

  section "$name: what is trained on"
  expect_exit 0 finetune --init_from=run --run_dir=tuned --begin_date=2026-01-04 --end_date=2026-01-04 --kernels=generic
  expect_exit 0 finetune --init_from=run --run_dir=fewer --begin_date=2026-01-04 --end_date=2026-01-04 drop_feature=hour --allow_feature_change
  expect_exit 0 evaluate --model=fewer --input=$day
  zcat $day >stream.tsv
  expect_exit 0 online --init_from=run --run_dir=learning --input=stream.tsv --kernels=generic
  expect_exit 0 online --init_from=run --run_dir=online --input=stream.tsv --resume --kernels=generic
  cd ..
done
[ -d format-2 ] || fail "no golden files"
