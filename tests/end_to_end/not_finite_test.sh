#!/usr/bin/env bash
# A model whose weights or scores are not numbers is neither kept, exported, loaded nor published; a divergence is told.
#
#   tests/end_to_end/not_finite_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

expect_exit 0 synth --output=logs --days=2 --rows_per_day=600 --holdout_rows=100 --vocabulary=100 --seed=3
cat >config.pbtxt <<'CONFIG'
data { path: "logs/{date}.tsv.gz" }
feature { name: "user" sparse {} }
feature { name: "item" sparse {} }
feature { name: "price" dense {} }
feature { name: "recency" dense { transform: LOG1P } }
embedding { dim: 4 }
model { teacher { interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 4 } } }
train { window_days: 2 batch_size: 64 shard_rows: 16 }
CONFIG
small=(--config=config.pbtxt --end_date=2026-01-02)

section "no rate, however absurd, leaves a checkpoint that can't score"
for rate in train.optimizer.adam.lr=3e38 embedding.optimizer.adam.lr=3e38 train.optimizer.sgd.lr=1e30 embedding.optimizer.sgd.lr=1e25; do
  for every in 0 1; do
    rm -rf run
    code=0
    "$tandem" train "${small[@]}" --run_dir=run $rate runtime.checkpoint_every_steps=$every >out 2>err || code=$?
    if [ $code = 0 ] || [ $code = 5 ]; then
      # It came to an end, good or poor: then what it kept scores.
      expect_exit 0 predict --model=run --input=logs/holdout.tsv.gz --output=scores.tsv --tower=both
      ! grep -qi nan scores.tsv || fail "$rate: NaN in the scores"
    else
      expect_equal "$rate: exit code" $code 1
      grep -qE "finite" err || fail "$rate says: $(cat err)"
      grep -q "price" err || fail "$rate names no feature: $(cat err)"
      expect_absent run/complete
      for kept in run/checkpoints/step-*; do
        [ -d "$kept" ] || continue
        expect_exit 0 predict --model="$kept" --input=logs/holdout.tsv.gz --output=scores.tsv --tower=both
        ! grep -qi nan scores.tsv || fail "$rate: $kept scores NaN"
      done
    fi
  done
done

section "a divergence that stays finite is told, with step, day, feature and its numbers"
rm -rf run
"$tandem" train "${small[@]}" --run_dir=run train.optimizer.sgd.lr=300 >out 2>err || true
grep -qE "2026-01-0[12], step [0-9]+: the (teacher|student) has diverged: its loss is .* feature '(price|recency)', column" err ||
  fail "no alarm: $(cat err)"
rm -rf calm
"$tandem" train "${small[@]}" --run_dir=calm >out 2>err || expect_equal "exit code of a poor model" $? 5
! grep -q "diverged" err || fail "an alarm without a reason: $(cat err)"

section "weights that are not numbers are refused by name when they are loaded"
expect_exit 0 export --model=calm --output=bundle --accept_poor_model
for file in calm/checkpoints/*/student.bin calm/checkpoints/*/embedding.bin bundle/graph.bin bundle/embedding.bin; do
  folder=$(dirname "$file")
  cp -r "$folder" spoiled
  python3 - "spoiled/$(basename "$file")" <<'PYTHON'
import ctypes, struct, sys
xxh = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
xxh.restype, xxh.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
data = open(sys.argv[1], "rb").read()
records, at = [], 8
while True:
    length = struct.unpack_from("<Q", data, at)[0]
    if length == 2**64 - 1: end = data[at:]; break
    records.append(data[at + 16:at + 16 + length]); at += 16 + length
# The last record of floats that is large enough: rows of a table, or a block.
floats = max(range(len(records)), key=lambda r: len(records[r]) if r > 1 else 0)
record = bytearray(records[floats])
if "embedding" in sys.argv[1]:
    floats = next(r for r in range(2, len(records)) if len(records[r]) > 8 and records[r][:8] == bytes(8))
    record = bytearray(records[floats]); record[8:12] = struct.pack("<f", float("nan"))
else:
    record[0:4] = struct.pack("<f", float("nan"))
records[floats] = bytes(record)
out = bytearray(data[:8])
for position, content in enumerate(records):
    seed = xxh(struct.pack("<QQ", position, len(content)), 16, 0)
    out += struct.pack("<QQ", len(content), xxh(content, len(content), seed)) + content
open(sys.argv[1], "wb").write(bytes(out) + end)
PYTHON
  seal spoiled
  expect_exit 4 predict --model=spoiled --input=logs/holdout.tsv.gz --output=never.tsv
  expect_err "not all finite"
  expect_absent never.tsv
  rm -rf spoiled
done
