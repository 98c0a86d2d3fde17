#!/usr/bin/env bash
# A program that is started with closed standard streams writes nothing of what is meant for them into its files.
#
#   tests/end_to_end/closed_streams_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

expect_exit 0 synth --output=logs --days=2 --rows_per_day=300 --holdout_rows=100 --vocabulary=100 --seed=3
zcat logs/2026-01-02.tsv.gz >day.tsv
{ head -n 50 day.tsv; echo "not a row"; tail -n +51 day.tsv; } >bad.tsv
cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 4 layers: 4 } } } }'
train() {
  "$tandem" train --config="$source_dir/configs/synthetic.pbtxt,cin.pbtxt" --run_dir="$1" data.path=day.tsv embedding.dim=4 \
    model.teacher.mlp.hidden=8 model.student.mlp.hidden=4 train.batch_size=32 train.shard_rows=16 runtime.log_every_steps=1 "${@:2}"
}
train open >open.out 2>open.err

section "train >&- 2>&- keeps its log lines out of metrics.jsonl"
train closed >&- 2>&- || fail "exit code $?"
python3 - open/metrics.jsonl closed/metrics.jsonl <<'PYTHON' || fail "metrics.jsonl differs"
import json, sys
def lines(path):
    found = [json.loads(line) for line in open(path)]
    for line in found: line.pop("rows_per_second", None)
    return found
before, after = lines(sys.argv[1]), lines(sys.argv[2])
assert before and before == after, (len(before), len(after))
PYTHON
cp closed/metrics.jsonl before.jsonl
train closed --resume >&- 2>&- <&- || fail "exit code $?"
cmp before.jsonl closed/metrics.jsonl || fail "--resume changed metrics.jsonl"

section "predict 2>&- keeps its warnings out of the scores"
"$tandem" predict --model=open --input=bad.tsv --output=said.tsv data.max_bad_fraction=1 2>said.err
grep -q "bad.tsv:51" said.err || fail "no warning of the malformed row"
for closed in '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
  rm -f scores.tsv
  eval "\"\$tandem\" predict --model=open --input=bad.tsv --output=scores.tsv data.max_bad_fraction=1 $closed" || fail "$closed: exit code $?"
  cmp said.tsv scores.tsv || fail "$closed: other scores"
done

section "data for a closed or full standard output is an error, and so is a closed standard input"
code=0
"$tandem" evaluate --model=open --input=day.tsv >&- 2>err || code=$?
expect_equal "exit code of evaluate >&-" $code 2
grep -q "standard output is closed" err || fail "evaluate >&- says: $(cat err)"
code=0
"$tandem" predict --model=open --input=- --output=none.tsv <&- 2>err || code=$?
expect_equal "exit code of predict <&-" $code 3
[ ! -e none.tsv ] || fail "predict <&- left a file"
code=0
"$tandem" --version >/dev/full 2>err || code=$?
expect_equal "exit code of a full standard output" $code 1
grep -q "standard output: cannot write: No space left on device" err || fail "a full standard output: $(cat err)"
