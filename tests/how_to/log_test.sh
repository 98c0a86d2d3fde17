#!/usr/bin/env bash
# The format of docs/how_to_add_a_sample_format.md: a log of it is trained on, set aside, scored and looked at as delimited text is.
#
#   tests/how_to/log_test.sh TANDEM SOURCE_DIR
set -euo pipefail
tandem=$(realpath "$1")
source=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "log_test: $*" >&2; exit 1; }
run() { "$tandem" "$@" >log 2>&1 || { cat log >&2; fail "failed: tandem $*"; }; }

run synth --output=logs --days=3 --rows_per_day=2000 --vocabulary=100 --begin_date=2026-01-01
mkdir ltsv
for file in logs/*.tsv.gz; do
  zcat "$file" | python3 -c 'import sys
names = sys.stdin.readline().rstrip("\n").split("\t")
for line in sys.stdin:
    cells = zip(names, line.rstrip("\n").split("\t"))
    print("\t".join(f"{name}:{cell}" for name, cell in reversed(list(cells)) if cell))' | gzip >"ltsv/$(basename "$file")"
done
cat >ltsv.pbtxt <<'TEXT'
data { path: "ltsv/{date}.tsv.gz" ltsv {} }
TEXT
small=(--end_date=2026-01-02 train.window_days=2 embedding.dim=4 train.batch_size=64 model.teacher.mlp.hidden=8 model.student.mlp.hidden=4)
run train --config="$source/configs/synthetic.pbtxt" --run_dir=text "data.path=logs/{date}.tsv.gz" "${small[@]}"
run train --config="$source/configs/synthetic.pbtxt,ltsv.pbtxt" --run_dir=run "${small[@]}"
grep -q 'max_line_bytes' run/config.pbtxt || fail "the format's default isn't in run/config.pbtxt"
run predict --model=text --input=logs/2026-01-03.tsv.gz --tower=both --output=text.tsv
run predict --model=run --input=ltsv/2026-01-03.tsv.gz --tower=both --output=ltsv.tsv
cmp text.tsv ltsv.tsv || fail "the same rows in the other format get other scores, or other keys"

# A row that can't be read is set aside as it was, and keeps its place and its keys.
mkdir broken
{ zcat ltsv/2026-01-02.tsv.gz; printf 'label:1\tuser:u1\tx\n'; } >broken/2026-01-02.tsv
run train --config="$source/configs/synthetic.pbtxt,ltsv.pbtxt" --run_dir=aside "${small[@]/window_days=2/window_days=1}" 'data.path=broken/{date}.tsv'
grep -q "broken/2026-01-02.tsv:2001: no row: 'x' has no name" log || fail "a broken row isn't told: $(cat log)"
cmp aside/quarantine/2026-01-02.tsv <(tail -1 broken/2026-01-02.tsv) || fail "a broken row isn't set aside as it was"
run predict --model=run --input=broken/2026-01-02.tsv --output=broken.out data.max_bad_fraction=1
[ "$(tail -1 broken.out | cut -f1)" = u1 ] || fail "a broken row has lost its key"

run inspect --data --config="$source/configs/synthetic.pbtxt" --input=logs/2026-01-03.tsv.gz --format=json --output=text.json
run inspect --data --config="$source/configs/synthetic.pbtxt,ltsv.pbtxt" --input=ltsv/2026-01-03.tsv.gz --format=json --output=ltsv.json
python3 -c 'import json
text, ltsv = ({c["column"]: c for c in json.load(open(f"{name}.json"))["columns"]} for name in ("text", "ltsv"))
assert text == ltsv, (text, ltsv)' || fail "inspect --data shows other columns"

# A value that no format can be built from is refused with its key.
status=0
"$tandem" train --config="$source/configs/synthetic.pbtxt,ltsv.pbtxt" --run_dir=none data.ltsv.max_line_bytes=0 "${small[@]}" >log 2>&1 || status=$?
[ "$status" = 2 ] || fail "a setting that can't be: exit $status"
echo "trained, scored and looked at a log of the page's format"
