#!/usr/bin/env bash
# tandem compare: a small comparison, killed on the way, resumed, added to, and refused where it should be.
#
#   tests/end_to_end/compare_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 4 layers: 4 } } } }'
cat >alone.pbtxt <<<'train { epochs: 2 }'
expect_exit 0 synth --output=logs --days=5 --rows_per_day=500 --holdout_rows=500 --vocabulary=200
# compare RUN_DIR ARGUMENTS...
compare=(--config="$source_dir/configs/synthetic.pbtxt,cin.pbtxt" --student_alone_config=alone.pbtxt --end_date=2026-01-05
  'data.path=logs/{date}.tsv.gz' embedding.dim=4 model.teacher.mlp.hidden=16,8 model.student.mlp.hidden=8,4
  train.window_days=5 train.batch_size=64 train.shard_rows=32 runtime.threads=1)
rows=(--methods=CO_TRAIN --seeds=1,2 --variant="hint:$source_dir/configs/distill/hint.pbtxt;model.distill.logit_weight=0.5"
  --frontier=4-2,8-4 --test_days=2)
# All but what is measured in seconds.
timeless() {
  python3 - "$1" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
del report["jobs"]
for row in report["rows"]:
    del row["train_seconds"], row["cpu_seconds"]
    for tower in ("teacher", "student"):
        row.get(tower, {}).pop("microseconds_per_sample", None)
    for cell in row["cells"]:
        del cell["train_seconds"], cell["cpu_seconds"], cell["time_is_partial"], cell["date"]
print(json.dumps(report, indent=1))
PYTHON
}

section "a comparison"
expect_exit 0 compare "${compare[@]}" "${rows[@]}" --run_dir=whole
expect_same out whole/compare.md
expect_out "| CO_TRAIN |"
expect_out "2 of 2"
expect_json whole/compare.json '[r["name"] for r in d["rows"]] == ["TEACHER_ALONE", "STUDENT_ALONE", "CO_TRAIN", "hint", "STUDENT_ALONE_4-2", "CO_TRAIN_4-2"]'
expect_json whole/compare.json 'd["days"] == ["2026-01-01", "2026-01-02", "2026-01-03"] and d["test"] == "2026-01-04..2026-01-05"'
expect_json whole/compare.json 'all(len(r["cells"]) == 2 and all(c["test_rows"] == 1000 for c in r["cells"]) for r in d["rows"])'
# The student alone has its own configuration on top: two passes; and it isn't the teacher's business.
expect_json whole/compare.json '[r["student_steps_a_row"] for r in d["rows"][:3]] == [0, 2, 1] and d["rows"][1]["cells"][0]["rows_trained"] == 3000'
expect_json whole/compare.json 'all(x is not False for r in d["rows"] for x in r["teacher_bit_identical"])'
# Widths that another row has are that row's.
expect_json whole/compare.json '[(r["frontier"]["width"], r["frontier"]["alone"], r["student_alone"]) for r in d["rows"] if "frontier" in r] == [("8-4", True, "STUDENT_ALONE"), ("8-4", False, "STUDENT_ALONE"), ("4-2", True, "STUDENT_ALONE_4-2"), ("4-2", False, "STUDENT_ALONE_4-2")]'
expect_json whole/compare.json 'all(0 < c["cpu_seconds"] for r in d["rows"] for c in r["cells"])'
# A cell is an ordinary run, and its figures are those of evaluate.
expect_exit 0 evaluate --model=whole/runs/CO_TRAIN/seed-2 --input='logs/2026-01-0[45].tsv.gz' --output=evaluated.json
expect_json whole/compare.json 'all(d["rows"][2]["cells"][1][t]["metrics"] == json.load(open("evaluated.json"))[t] for t in ("teacher", "student"))'
python3 - whole/compare.html <<'PYTHON' || fail "compare.html is not one whole page"
import html.parser, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
open_tags = []
class Checker(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag != "meta": open_tags.append(tag)
        assert not any(name in ("src", "href") for name, _ in attributes), (tag, attributes)
    def handle_endtag(self, tag):
        assert open_tags.pop() == tag, tag
    def handle_startendtag(self, tag, attributes): pass
Checker().feed(page)
assert not open_tags and page.count("<svg") == 4, (open_tags, page.count("<svg"))
assert "nan" not in re.findall(r'[xy]="([^"]*)"', page)
PYTHON

section "killed and resumed, two at a time"
for cells in 0 1 5; do
  "$tandem" compare "${compare[@]}" "${rows[@]}" --run_dir=killed --jobs=2 --resume runtime.checkpoint_every_steps=3 >out 2>err &
  process=$!
  # In the middle of a run, once so many cells are done.
  while [ "$(find killed -name 'seed-*.json' 2>/dev/null | wc -l)" -lt $cells ] || [ -z "$(find killed -name 'step-*' 2>/dev/null | head -1)" ]; do
    kill -0 $process 2>/dev/null || fail "the comparison ended before it was killed"
    sleep 0.01
  done
  kill -9 $process
  wait $process 2>/dev/null || true
  echo "   killed with $(find killed -name 'seed-*.json' | wc -l) cells done"
done
expect_exit 0 compare "${compare[@]}" "${rows[@]}" --run_dir=killed --jobs=2 --resume
expect_same <(timeless killed/compare.json) <(timeless whole/compare.json)
expect_json killed/compare.json 'any(c["time_is_partial"] for r in d["rows"] for c in r["cells"])'
expect_json whole/compare.json 'not any(c["time_is_partial"] for r in d["rows"] for c in r["cells"])'
cp killed/compare.html before.html
expect_exit 0 compare "${compare[@]}" "${rows[@]}" --run_dir=killed --jobs=2 --resume
expect_same killed/compare.html before.html
expect_equal "what a finished comparison says" "$(cat err)" ""

section "stopped by a signal"
echo 'train { epochs: 30 }' >long.pbtxt
python3 - "$tandem" compare "${compare[@]/cin.pbtxt/cin.pbtxt,long.pbtxt}" --seeds=1 --test_days=2 --run_dir=stopped runtime.checkpoint_every_steps=10 >out 2>err <<'PYTHON' && code=0 || code=$?
import os, signal, subprocess, sys, time
process = subprocess.Popen(sys.argv[1:])
while process.poll() is None and not os.path.isdir("stopped/runs/TEACHER_ALONE/seed-1/checkpoints"):
    time.sleep(0.001)
process.send_signal(signal.SIGTERM)
sys.exit(process.wait())
PYTHON
expect_equal "exit code of SIGTERM" $code 143
expect_err "--resume goes on"

section "rows and seeds are added"
expect_exit 0 compare "${compare[@]}" --test_days=2 --methods=CO_TRAIN --seeds=1,2,3 --run_dir=whole --resume
expect_err "3 cells to train, 6 are done"
expect_json whole/compare.json 'len(d["rows"]) == 3 and len(d["rows"][0]["cells"]) == 3'

section "test files, and refusals"
expect_exit 0 compare "${compare[@]}" --seeds=1 --test=logs/holdout.tsv.gz --run_dir=holdout
expect_json holdout/compare.json 'len(d["days"]) == 5 and d["rows"][0]["cells"][0]["test_rows"] == 500'
refuse() {
  last_of_each "${compare[@]}" "${@:3}"
  expect_exit "$1" compare "${given[@]}"
  expect_err "$2"
}
refuse 2 "is not empty" --test_days=2 --run_dir=whole
refuse 2 "train.batch_size" --test_days=2 --seeds=1 --run_dir=whole --resume train.batch_size=32
refuse 2 "manifest.txt" --test_days=1 --seeds=1 --run_dir=whole --resume
refuse 2 "is a file of the training window" --test='logs/2026-01-0[45].tsv.gz' --run_dir=never
refuse 2 "is a file of the training window" --test="$work/./logs/2026-01-05.tsv.gz" --run_dir=never
refuse 2 "train.seed" --test_days=2 --run_dir=never --variant=seeded:train.seed=7
refuse 2 "read only once" --test=- --run_dir=never
refuse 2 "one of them" --run_dir=never
refuse 2 "one of them" --run_dir=never --test_days=1 --test=logs/holdout.tsv.gz
refuse 2 "the window has 5 days" --run_dir=never --test_days=5
refuse 2 "did you mean 'CO_TRAIN'" --run_dir=never --test_days=1 --methods=COTRAIN
refuse 2 "not NAME:" --run_dir=never --test_days=1 --variant=train.epochs=2
refuse 2 "is no name" --run_dir=never --test_days=1 --variant=a/b:train.epochs=2
refuse 2 "the same configuration as row CO_TRAIN" --run_dir=never --test_days=1 --variant=same:train.epochs=1
refuse 2 "did you mean 'epochs'" --run_dir=never --test_days=1 --variant=typo:train.epoch=2
refuse 2 "row odd: " --run_dir=never --test_days=1 --variant=odd:train.batch_size=0
refuse 2 "measured alike" --run_dir=never --test_days=1 --variant=window:train.window_days=2
refuse 2 "data.negative_keep_rate" --run_dir=never --test_days=1 --variant=sampled:data.negative_keep_rate=0.5
refuse 2 "frontier: '8x4'" --run_dir=never --test_days=1 --frontier=8x4
refuse 2 "--seeds" --run_dir=never --test_days=1 --seeds=1,one
refuse 2 "twice" --run_dir=never --test_days=1 --seeds=1,1
refuse 2 "seeds and methods say that" --run_dir=never --test_days=1 train.seed=3
refuse 3 "nowhere" --run_dir=never --test=nowhere.tsv
expect_absent never

section "a cell that fails"
# Malformed rows that only the second day has: every cell fails, and says so.
cp -r logs bad
{ zcat logs/2026-01-02.tsv.gz | sed -n 1p; for ((i = 0; i < 1200; ++i)); do echo "no row"; done; } | gzip -c >bad/2026-01-02.tsv.gz
last_of_each "${compare[@]}" 'data.path=bad/{date}.tsv.gz'
expect_exit 3 compare "${given[@]}" --seeds=1 --test_days=2 --run_dir=failing
expect_err "TEACHER_ALONE, seed 1: "
expect_err "failing/runs/TEACHER_ALONE/seed-1"
expect_absent failing/compare.md
# One row's alone: the others have their table.
expect_exit 1 compare "${compare[@]}" --seeds=1 --test_days=2 --run_dir=partly \
  --variant='lost:embedding.optimizer.sgd.lr=1e30;train.optimizer.adam.lr=1e30' --variant=averaged:train.average_decay=0.9 --frontier=4-2
expect_err "row lost is left out of the table"
expect_err "lost, seed 1: "
expect_out "Left out: lost, of which a cell failed"
grep -q "Left out: lost" partly/compare.html || fail "the page doesn't say what is left out"
expect_out "| other settings |"
expect_same out partly/compare.md
expect_json partly/compare.json '[r["name"] for r in d["rows"]] == ["TEACHER_ALONE", "STUDENT_ALONE", "CO_TRAIN", "averaged", "STUDENT_ALONE_4-2", "CO_TRAIN_4-2"]'
expect_json partly/compare.json 'd["rows"][5]["student_alone"] == "STUDENT_ALONE_4-2" and d["rows"][3]["other_teacher"] and not d["rows"][2]["other_teacher"]'
section "passed"
