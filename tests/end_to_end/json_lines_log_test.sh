#!/usr/bin/env bash
# JSON lines are a format like any other: what is trained, scored, set aside, learned online and looked at is what the same log as
# delimited text gives, bit for bit.
#
#   tests/end_to_end/json_lines_log_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

# to_json: delimited text with a header becomes JSON lines; columns in another order, empty cells null or left out.
cat >to_json.py <<'P'
import json, re, sys
header = sys.stdin.readline().rstrip("\n").split("\t")
number = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
def value(cell):
    return cell if number.fullmatch(cell) else json.dumps(cell)
for row, line in enumerate(sys.stdin):
    members = []
    for name, cell in zip(header, line.rstrip("\n").split("\t")):
        if cell == "":
            if row % 2 == 0: members.append('"%s": null' % name)
        elif name == "label" and row % 3 == 0:
            members.append('"label": %s' % ("true" if cell == "1" else "false"))
        elif name == "tags":
            members.append('"tags": [%s]' % ", ".join(value(item) for item in cell.split("|")))
        elif name == "interests":
            items = [item.rsplit(":", 1) for item in cell.split("|")]
            members.append('"interests": {%s}' % ", ".join('%s: %s' % (json.dumps(i), w) for i, w in items))
        else:
            members.append('"%s": %s' % (name, value(cell)))
    members.append('"unknown": {"a": [1, {"b": null}]}')
    print("{" + ", ".join(reversed(members)) + "}")
P
to_json() { python3 to_json.py; }
cat >json.pbtxt <<'P'
data { path: "json/{date}.jsonl.gz" json_lines {} }
P
config=$source_dir/configs/synthetic.pbtxt
json=$config,json.pbtxt
small=(embedding.dim=4 model.teacher.mlp.hidden=16,8 model.student.mlp.hidden=8,4 train.batch_size=64 train.window_days=2 runtime.threads=2)
expect_exit 0 synth --output=logs --days=3 --rows_per_day=1500 --holdout_rows=300 --vocabulary=500 --seed=3
mkdir json
for file in logs/*.tsv.gz; do zcat "$file" | to_json | gzip >"json/$(basename "$file" .tsv.gz).jsonl.gz"; done

# same_weights RUN RUN: of the last checkpoints
same_weights() {
  for file in embedding-0.bin teacher.bin student.bin; do
    [ ! -e "$(last_checkpoint "$1")/$file" ] || expect_same "$(last_checkpoint "$1")/$file" "$(last_checkpoint "$2")/$file"
  done
}

section "train, predict, evaluate"
expect_exit 0 train --config="$config" --run_dir=text --end_date=2026-01-02 'data.path=logs/{date}.tsv.gz' "${small[@]}"
expect_exit 0 train --config="$json" --run_dir=run --end_date=2026-01-02 "${small[@]}"
same_weights text run
expect_exit 0 predict --model=text --input=logs/holdout.tsv.gz --tower=both --output=text.tsv
expect_exit 0 predict --model=run --input=json/holdout.jsonl.gz --tower=both --output=json.tsv
expect_equal "keys are carried" "$(head -1 json.tsv)" "$(printf 'user\titem\tstudent\tteacher')"
expect_same text.tsv json.tsv
zcat json/holdout.jsonl.gz | "$tandem" predict --model=run --input=- --tower=both --output=- >piped.tsv 2>err
expect_same text.tsv piped.tsv
expect_exit 0 evaluate --model=text --input=logs/holdout.tsv.gz --format=json
cp out text.json
expect_exit 0 evaluate --model=run --input=json/holdout.jsonl.gz --format=json
expect_same out text.json

section "resume"
(
  exec "$tandem" train --config="$json" --run_dir=resumed --end_date=2026-01-02 "${small[@]}" runtime.checkpoint_every_steps=7 2>err
) &
pid=$!
for _ in $(seq 600); do [ -d resumed/checkpoints ] && [ -n "$(ls resumed/checkpoints 2>/dev/null | grep -v tmp)" ] && break; sleep 0.02; done
kill -KILL $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
expect_exit 0 train --config="$json" --run_dir=resumed --end_date=2026-01-02 "${small[@]}" runtime.checkpoint_every_steps=7 --resume
same_weights run resumed

section "malformed rows"
mkdir broken
{ zcat json/2026-01-01.jsonl.gz; printf '%s\n' '{"label": 1, "user": "u1"' '[1, 2]' '{"label": 2}' '{"label": 1, "price": [3]}' '{"label": 1, "label": 0}'; } >broken/2026-01-01.jsonl
expect_exit 0 train --config="$json" --run_dir=aside --end_date=2026-01-01 "${small[@]/train.window_days=2/train.window_days=1}" 'data.path=broken/{date}.jsonl'
expect_err "broken/2026-01-01.jsonl:1501: no row: broken JSON at byte"
expect_err "broken/2026-01-01.jsonl:1502: no row: no object"
expect_err "broken/2026-01-01.jsonl:1503: label '2' is not 0 or 1"
expect_err "broken/2026-01-01.jsonl:1504: 'price' holds a list where one value is wanted"
expect_err "broken/2026-01-01.jsonl:1505: no row: two values for 'label'"
expect_same aside/quarantine/2026-01-01.jsonl <(tail -5 broken/2026-01-01.jsonl)
expect_exit 0 predict --model=run --input=broken/2026-01-01.jsonl --output=broken.tsv data.max_bad_fraction=1
expect_equal "every row has its line" "$(wc -l <broken.tsv)" 1506
expect_equal "the key of a broken row" "$(sed -n 1502p broken.tsv)" "$(printf 'u1\t\t')"

section "online, with clicks that come later"
# Every row is an impression of 2026-01-03; those with a click come again, 40 rows later.
zcat logs/2026-01-03.tsv.gz | awk -F'\t' -v OFS='\t' 'NR == 1 {print $0, "time"; next}
  {print NR - 1, $0, 1767398400 + NR; if ($1 == 1) print NR + 39, $0, 1767398440 + NR}' >numbered.tsv
{ head -1 numbered.tsv; tail -n +2 numbered.tsv | sort -s -n -k1,1 | cut -f2- |
  awk -F'\t' -v OFS='\t' '{key = $2 SUBSEP $3; if (!(key in seen)) $1 = 0; seen[key] = 1; print}'; } >stream.tsv
to_json <stream.tsv >stream.jsonl
fast=(online.batch_rows=64 online.window_rows=300 online.checkpoint_rows=300 online.checkpoint_seconds=0 online.time_column=time online.label_delay=50)
expect_exit 0 online --init_from=text --run_dir=online_text --input=stream.tsv "${fast[@]}"
joined=$(grep -oE '[0-9,]+ clicks joined' err)
[ "$joined" != "0 clicks joined" ] || fail "no click was joined"
expect_exit 0 online --init_from=run --run_dir=online_json --input=stream.jsonl "${fast[@]}"
expect_err "$joined"
same_weights online_text online_json
head -700 stream.jsonl >grown.jsonl
"$tandem" online --init_from=run --run_dir=online_grown --input=grown.jsonl --follow "${fast[@]}" 2>grown.err &
pid=$!
for _ in $(seq 600); do [ -e online_grown/published ] && [ "$(ls online_grown/checkpoints | wc -l)" -ge 2 ] && break; sleep 0.05; done
kill -TERM $pid
wait $pid || true
tail -n +701 stream.jsonl >>grown.jsonl
expect_exit 0 online --init_from=run --run_dir=online_grown --input=grown.jsonl "${fast[@]}" --resume
expect_exit 0 predict --model=online_grown/published --input=json/holdout.jsonl.gz --output=grown.tsv
expect_exit 0 predict --model=online_text/published --input=logs/holdout.tsv.gz --output=online.tsv
expect_same grown.tsv online.tsv

section "inspect"
expect_exit 0 inspect --data --config="$config" --input='logs/2026-01-0*.tsv.gz' --format=json
python3 -c 'import json, sys; print(json.dumps(sorted(json.load(open("out"))["columns"], key=lambda c: c["column"])))' >text.columns
expect_exit 0 inspect --data --config="$json" --input='json/2026-01-0*.jsonl.gz' --format=json
python3 -c 'import json, sys; print(json.dumps(sorted((c for c in json.load(open("out"))["columns"] if c["column"] != "unknown"), key=lambda c: c["column"])))' >json.columns
expect_same text.columns json.columns

echo "json_lines_log_test: passed"
