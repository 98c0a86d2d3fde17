#!/usr/bin/env bash
# Inputs with ill will, or from an accident: refused by name, with an exit code, and nothing a terminal obeys.
#
#   tests/end_to_end/hostile_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

expect_exit 0 synth --output=logs --days=2 --rows_per_day=300 --holdout_rows=100 --vocabulary=100 --seed=3
zcat logs/2026-01-02.tsv.gz >day.tsv
small=(embedding.dim=4 model.teacher.mlp.hidden=8 model.student.mlp.hidden=4 train.batch_size=32 train.shard_rows=16)
train() {
  last_of_each "${small[@]}" "${@:3}"
  expect_exit "$1" train --config="$source_dir/configs/synthetic.pbtxt" --run_dir="$2" data.path=day.tsv "${given[@]}"
}
# No message has a control character, but for the ends of its lines.
expect_plain() { ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$work/err" || { cat -v "$work/err" >&2; fail "control characters on stderr"; }; }
train 0 run

section "a config.pbtxt that was edited, or damaged, is refused by name"
for change in 's/weight_decay: 0/weight_decay: 0.5/' 's/seed: 1$/seed: 2/' 's/path: "day/path: "dby/' 's/log_every_steps: [0-9]*/log_every_steps: 7/'; do
  rm -rf edited && cp -r run edited
  sed -i "$change" edited/config.pbtxt
  cmp -s run/config.pbtxt edited/config.pbtxt && fail "$change changes nothing"
  for command in "train --run_dir=edited --resume" "predict --model=edited --input=day.tsv" "evaluate --model=edited --input=day.tsv" \
    "export --model=edited --output=never" "inspect --model=edited" "finetune --init_from=edited --run_dir=never --input=day.tsv"; do
    expect_exit 4 $command
    expect_err "edited/config.pbtxt: was edited, or is damaged"
    expect_absent never
  done
done
rm -rf edited && cp -r run edited
sed -i -e '/^# checksum/d' -e 's/weight_decay: 0$/weight_decay: 0.5/' edited/config.pbtxt
expect_exit 4 train --run_dir=edited --resume
expect_err "edited/config.pbtxt has embedding.weight_decay 0.5"
expect_exit 0 train --run_dir=run --resume runtime.threads=1

section "a configuration that has no end, or is no file"
mkfifo pipe
mkdir folder
for config in /dev/zero pipe folder; do
  expect_exit 2 train --config="$config" --run_dir=never
  expect_err "$config: "
  expect_absent never
done
expect_exit 3 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=never data.path=pipe "${small[@]}"
expect_err "pipe: is a pipe, where a file is wanted"
expect_exit 3 predict --model=run --input=/dev/zero --output=never
expect_exit 0 predict --model=run --input=/dev/stdin --output=piped.tsv <day.tsv

section "names in messages are one line, and nothing a terminal obeys"
evil=$'a\x1b[31m\nb'
cp day.tsv "$evil.tsv"
expect_exit 0 predict --model=run --input="$evil.tsv" --output=scores.tsv
expect_plain
expect_exit 3 predict --model=run --input="no$evil.tsv" --output=never
expect_plain
expect_err 'noa\x1b[31m\nb.tsv'
{ head -1 day.tsv | sed $'s/^label/\x1b]0;title\x07label/'; tail -n +2 day.tsv; } >header.tsv
expect_exit 3 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=never data.path=header.tsv "${small[@]}"
expect_plain
expect_exit 4 evaluate --model="$evil" --input=day.tsv
expect_plain
expect_exit 2 train --config="$evil" --run_dir=never
expect_plain

section "names that are no UTF-8 are written as JSON"
bad=$'caf\xe9'
sed "1s/user/$bad/" day.tsv >latin.tsv
sed "s/name: \"user\"/name: \"caf\\\\351\"/; s/\"user\"/\"caf\\\\351\"/g" "$source_dir/configs/synthetic.pbtxt" >latin.pbtxt
expect_exit 0 train --config=latin.pbtxt --run_dir=latin data.path=latin.tsv "${small[@]}"
expect_exit 0 inspect --model=latin --format=json
python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' out || fail "inspect's JSON"

section "a file that may not grow is an error of its write, and no signal"
last_of_each "${small[@]}" embedding.dim=64
(ulimit -f 8 && "$tandem" train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=cut data.path=day.tsv "${given[@]}" 2>err) && code=0 || code=$?
expect_equal "exit code of a file that is too large" $code 1
expect_err "File too large"

section "settings that ask for more memory than there is are refused by name"
train 2 never runtime.memory_limit=4000000000 model.teacher.mlp.hidden=65536,65536
expect_err "model.teacher.mlp.hidden asks for"
train 2 never runtime.memory_limit=4000000000 train.shard_rows=16777216
expect_err "train.shard_rows (16777216 rows"
expect_absent never
train 0 slow embedding.slow_copy.decay=0.99999999
train 0 bounded embedding.max_rows=50
expect_err "the tables are full (embedding.max_rows: 50)"
train 0 whole embedding.max_rows=50 embedding.min_count=2 train.epochs=2 runtime.checkpoint_every_steps=3 runtime.keep_checkpoints=100
cp -r whole resumed
last=$(basename "$(last_checkpoint whole)")
find resumed/checkpoints -name 'step-*' | sort | tail -n +3 | xargs rm -r
expect_exit 0 train --run_dir=resumed --resume
expect_same_folder "whole/checkpoints/$last" "resumed/checkpoints/$last"

if ! is_sanitized; then
  section "memory that isn't there is an error with a sentence"
  last_of_each "${small[@]}" model.teacher.mlp.hidden=16384,16384
  (ulimit -v 400000 && "$tandem" train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=large data.path=day.tsv "${given[@]}" 2>err) && code=0 || code=$?
  [ $code = 1 ] || [ $code = 2 ] || { cat err >&2; fail "exit code $code"; }
  grep -q "memory" err || { cat err >&2; fail "no word of memory"; }

  { cat day.tsv; for copy in {1..200}; do tail -n +2 day.tsv; done; } >many.tsv
  last_of_each "${small[@]}" embedding.dim=64 train.shuffle_rows=1000000 runtime.threads=2
  for limit in 90000 110000 130000 160000 200000; do
    (ulimit -v $limit && timeout 60 "$tandem" train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=limited$limit data.path=many.tsv "${given[@]}" >/dev/null 2>err) && code=0 || code=$?
    [ $code -le 2 ] || { cat err >&2; fail "ulimit -v $limit: exit code $code"; }
    [ $code = 0 ] || grep -q "memory" err || { cat err >&2; fail "ulimit -v $limit: no word of memory"; }
  done
fi

section "a run that prunes its checkpoints can be scored with at any time"
"$tandem" train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=live data.path=day.tsv "${small[@]}" train.epochs=60 \
  runtime.checkpoint_every_steps=1 runtime.keep_checkpoints=1 2>/dev/null &
process=$!
until [ -n "$(ls live/checkpoints 2>/dev/null | grep -v tmp)" ]; do sleep 0.05; done
for ((i = 0; i < 100; ++i)); do
  kill -0 $process 2>/dev/null || break
  expect_exit 0 predict --model=live --input=day.tsv --output=live.tsv
done
echo "scored $i times"
kill -TERM $process 2>/dev/null || true
wait $process || true
