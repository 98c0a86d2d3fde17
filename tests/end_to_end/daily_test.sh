#!/usr/bin/env bash
# The daily routine as docs/daily.md promises it: a model a date, published only past the gate, whatever happens on the way; and
# `online` and `predict`, which follow what is published.
#
#   tests/end_to_end/daily_test.sh TANDEM_BINARY SOURCE_DIR [KILLS] [SEED]      # SEED: of the moments
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
kills=${3:-$(is_sanitized && echo 2 || echo 10)}
seed=${4:-1}
RANDOM=$seed
echo "seed $seed"

expect_exit 0 synth --output=raw --days=6 --rows_per_day=2000 --holdout_rows=500 --vocabulary=300 --seed=3
mkdir logs
for day in 1 2 3 4 5 6; do
  zcat raw/2026-01-0$day.tsv.gz | awk -v OFS='\t' -v begin="$(date -u -d 2026-01-0$day +%s)" 'NR == 1 {print $0, "time"; next} {print $0, begin + NR}' |
    gzip -c >logs/2026-01-0$day.tsv.gz
done
# daily RUN END_DATE ARGUMENTS...
cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 4 layers: 4 } } } }'
settings=(--config="$source_dir/configs/synthetic.pbtxt,cin.pbtxt" --begin_date=2026-01-01 'data.path=logs/{date}.tsv.gz' train.window_days=3
  train.epochs=2 train.batch_size=64 embedding.dim=4 model.teacher.mlp.hidden=16,8 model.student.mlp.hidden=8,4 runtime.threads=2
  model.distill.lr_multiplier=10 daily.gate.min_copc=0.5 daily.gate.max_copc=2 daily.gate.max_auc_loss=0.02)
daily() {
  last_of_each "${settings[@]}" "${@:3}"
  expect_exit 0 daily --run_dir="$1" --end_date="$2" "${given[@]}"
}
# expect_days RUN EXPRESSION: of the list of days
expect_days() {
  python3 -c 'import json, sys
print(json.dumps([json.loads(line) for line in open(sys.argv[1])]))' "$1/days.jsonl" >days.json
  expect_json days.json "$2"
}

section "days"
daily whole 2026-01-05 daily.finetune=true
expect_equal "what daily prints" "$(cat out)" whole/days.md
expect_days whole '[x["date"] for x in d] == [f"2026-01-0{i}" for i in range(1, 6)] and all(x["published"] for x in d)'
expect_days whole 'all(x["rows"] == 2000 and x["judged_rows"] == 2000 and "without_finetune" in x and "teacher" in x for x in d)'
expect_days whole 'd[4]["in_place"]["date"] == "2026-01-04" and d[4]["trained_from"] == "2026-01-03" and "in_place" not in d[0]'
expect_equal "published" "$(readlink whole/published)" days/2026-01-05/bundle
expect_equal "days kept" "$(ls whole/days)" 2026-01-05
expect_equal "rows of the table" "$(grep -c '^| 2026' whole/days.md)" 5
grep -q '<svg' whole/days.html || fail "no plot in the page"
expect_exit 0 evaluate --model=whole/published --input=logs/2026-01-06.tsv.gz --format=json
expect_json out "d['student']['auc'] == json.load(open('days.json'))[4]['student']['auc']"
daily whole 2026-01-06 daily.finetune=true --resume
expect_err "waiting for the log of 2026-01-07"
expect_days whole 'len(d) == 5'
daily parts 2026-01-02 daily.finetune=true
# With --config again, which doesn't say it: the gate that was set stays.
daily gated 2026-01-01
daily gated 2026-01-02 --resume daily.gate.min_rows=9999
daily gated 2026-01-03 --resume
expect_days gated '[x["published"] for x in d] == [True, False, False]'
# A gate is no part of what is trained: it may be set anew, and is kept.
daily parts 2026-01-03 daily.finetune=true daily.gate.min_rows=9999 --resume
expect_err "the gate is another one from here on"
expect_days parts '[x["published"] for x in d] == [True, True, False] and "min_rows" in d[2]["reasons"][0]'
grep -q 'min_rows: 9999' parts/config.pbtxt || fail "the new gate isn't kept"
rm -r parts
daily parts 2026-01-02 daily.finetune=true
daily parts 2026-01-05 daily.finetune=true --resume
expect_same whole/days.jsonl parts/days.jsonl
expect_same_folder whole/days/2026-01-05/bundle parts/days/2026-01-05/bundle

section "refused"
expect_exit 2 daily --run_dir=whole --end_date=2026-01-05 "${settings[@]}"
expect_err "not empty"
expect_exit 2 daily --run_dir=whole --end_date=2026-01-05 "${settings[@]}" --resume
expect_err "daily.finetune"
expect_exit 2 daily --run_dir=never --end_date=2026-01-05 "${settings[@]/daily.gate.min_copc=*/daily.gate.min_copc=3}"
expect_err "nothing would pass"
expect_exit 2 daily --run_dir=never --end_date=2026-01-05 "${settings[@]/data.path=*/data.path=logs/2026-01-01.tsv.gz}"
expect_err "no {date}"
expect_exit 2 daily --run_dir=never --end_date=2026-01-5 "${settings[@]}"
expect_exit 3 daily --run_dir=never --end_date=2026-01-05 "${settings[@]}" data.label=nosuch
expect_absent never
expect_exit 3 daily --run_dir=never --end_date=2026-01-05 "${settings[@]/data.path=*/data.path=lgos/\{date\}.tsv.gz}"
expect_err "lgos/"
expect_absent never

section "killed $kills times"
began=$(date +%s%N)
daily again 2026-01-05 daily.finetune=true
run_ms=$((($(date +%s%N) - began) / 1000000))
zcat logs/2026-01-06.tsv.gz | awk 'NR <= 20' >few.tsv
landed=0
for ((i = 0; i < kills; ++i)); do
  "$tandem" daily --run_dir=killed --end_date=2026-01-05 "${settings[@]}" daily.finetune=true --resume 2>killed.log >killed.out &
  process=$!
  sleep_ms=$((5 + RANDOM % (2 * run_ms / kills + 20)))
  sleep "$(printf '%d.%03d' $((sleep_ms / 1000)) $((sleep_ms % 1000)))"
  ! kill -9 $process 2>/dev/null || landed=$((landed + 1))
  wait $process 2>/dev/null || true
  # The last published model is in place, whole.
  [ ! -L killed/published ] || expect_exit 0 predict --model=killed/published --input=few.tsv
done
[ $landed -ge $((kills / 2)) ] || fail "only $landed of $kills kills met a running process"
daily killed 2026-01-05 daily.finetune=true --resume
for file in days.jsonl days.md days.html; do expect_same whole/$file killed/$file; done
expect_equal "published" "$(readlink killed/published)" "$(readlink whole/published)"
# Killed between the lines and the tables: the next call brings the tables up.
head -4 whole/days.md >killed/days.md
daily killed 2026-01-05 daily.finetune=true --resume
expect_same whole/days.md killed/days.md
expect_same_folder whole/days/2026-01-05/bundle killed/days/2026-01-05/bundle
expect_equal "days kept" "$(ls killed/days)" 2026-01-05

section "a poisoned day, a small one, a missing one"
mkdir poisoned
cp logs/* poisoned/
zcat logs/2026-01-04.tsv.gz | awk -F'\t' -v OFS='\t' 'NR > 1 {$1 = 1 - $1} {print}' | gzip -c >poisoned/2026-01-04.tsv.gz
daily held 2026-01-05 'data.path=poisoned/{date}.tsv.gz' daily.warm=true
expect_days held '[x["published"] for x in d] == [True, True, False, False, True] or [x["published"] for x in d] == [True, True, True, False, True]'
expect_days held 'd[3]["reasons"] and d[4]["begins_as"] < "2026-01-04" and d[4]["in_place"]["date"] < "2026-01-04"'
grep -q '| held: ' held/days.md || fail "the table doesn't say that a day was held"
rm -r poisoned && mkdir poisoned && cp logs/* poisoned/
zcat logs/2026-01-03.tsv.gz | awk 'NR <= 100' | gzip -c >poisoned/2026-01-03.tsv.gz
rm poisoned/2026-01-05.tsv.gz
# The day before a lost one is judged on the next that has a log.
daily gaps 2026-01-05 'data.path=poisoned/{date}.tsv.gz' daily.gate.min_rows=0 daily.gate.max_auc_loss=0
expect_err "no log of 2026-01-05; judged on 2026-01-06 instead"
expect_err "4 dates done, 1 skipped without a log"
expect_days gaps 'len(d) == 5 and not d[2]["published"] and "min_rows_share" in d[2]["reasons"][0]'
expect_days gaps 'd[3]["judged_on"] == "2026-01-06" and d[3]["published"] and d[4]["skipped"] == "no log of the day"'
expect_equal "published" "$(readlink gaps/published)" days/2026-01-04/bundle
daily gaps 2026-01-06 'data.path=poisoned/{date}.tsv.gz' daily.gate.min_rows=0 daily.gate.max_auc_loss=0 --resume
expect_err "waiting for the log of 2026-01-07"
cp gaps/days/2026-01-04/bundle/graph.bin whole-graph.bin
truncate -s -1 gaps/days/2026-01-04/bundle/graph.bin
last_of_each "${settings[@]}" 'data.path=poisoned/{date}.tsv.gz' daily.gate.min_rows=0 daily.gate.max_auc_loss=0 --resume
expect_exit 4 daily --run_dir=gaps --end_date=2026-01-06 "${given[@]}"
expect_err "graph.bin"
cp whole-graph.bin gaps/days/2026-01-04/bundle/graph.bin
mv gaps/days/2026-01-04 aside
last_of_each "${settings[@]}" 'data.path=poisoned/{date}.tsv.gz' daily.gate.min_rows=0 daily.gate.max_auc_loss=0 --resume
expect_exit 4 daily --run_dir=gaps --end_date=2026-01-06 "${given[@]}"
expect_err "gaps/published: the model in place, gaps/days/2026-01-04/bundle, is gone"
rm poisoned/2026-01-0[3-6].tsv.gz

section "a header alone, logs that come later"
early() { daily early 2026-01-05 'data.path=poisoned/{date}.tsv.gz' --begin_date=2026-01-03 "$@"; }
early
expect_err "0 dates done, 0 models published; waiting for the log of 2026-01-03"
expect_absent early/days.jsonl
cp logs/2026-01-0[356].tsv.gz poisoned/
zcat logs/2026-01-04.tsv.gz | awk 'NR == 1' | gzip -c >poisoned/2026-01-04.tsv.gz
early --resume
expect_err "poisoned/2026-01-04.tsv.gz: not one row with a label"
expect_err "2 dates done, 1 skipped without a log, 2 models published"
expect_days early '[x.get("judged_on") for x in d] == ["2026-01-05", None, "2026-01-06"] and d[1]["skipped"] == "no row in the log of the day"'
grep -q '| no row in the log of the day |' early/days.md || fail "the table doesn't say that a day has no rows"

section "online follows what is published"
# Two dates are published one after the other; the stream is the days after the first.
daily base 2026-01-01
{ zcat logs/2026-01-02.tsv.gz; for day in 3 4 5; do zcat logs/2026-01-0$day.tsv.gz | tail -n +2; done; } >stream.tsv
cp stream.tsv growing.tsv
arguments=(--init_from=base/published online.time_column=time online.batch_rows=64 online.checkpoint_rows=1000 online.checkpoint_seconds=0 online.guard_limit=0)
expect_exit 2 online --init_from=base/published --run_dir=never --input=stream.tsv
expect_err "online.time_column"
"$tandem" online --run_dir=following --input=growing.tsv "${arguments[@]}" --follow >following.out 2>following.log &
process=$!
# expect_line TEXT FILE: within 20 s
expect_line() {
  for ((wait = 0; wait < 400; ++wait)); do
    ! grep -qs -- "$1" "$2" || return 0
    sleep 0.05
  done
  cat following.log >&2
  fail "$2 lacks '$1'"
}
expect_line '"rows":8000' following/metrics.jsonl
daily base 2026-01-03 --resume
expect_line '"event":"base"' following/metrics.jsonl
first_base=$(readlink base/published)
expect_equal "published" "$first_base" days/2026-01-03/bundle
# sed leaves before tac has ended: no failure.
since_base() { { tac following/metrics.jsonl || true; } | sed '/"event":"base"/q' >since_base; }
for ((wait = 0; wait < 400; ++wait)); do
  since_base
  ! grep -q '"rows":3008' since_base || break
  sleep 0.05
done
grep -q '"rows":3008' since_base || fail "the new base's student has not learned from what came after its day"
kill -TERM $process
wait $process || true
expect_exit 0 online --run_dir=following --input=growing.tsv "${arguments[@]}" --resume
expect_err "4,000 trained"
expect_exit 0 online --run_dir=fresh --input=stream.tsv "${arguments[@]}"
expect_err "8,000 rows read = 4,000 trained + 0 waiting + 0 clicks joined + 4,000 known to the base"
for file in student.bin embedding.bin; do expect_same "$(last_checkpoint fresh)/$file" "$(last_checkpoint following)/$file"; done
expect_exit 0 inspect --model=following/published --format=json
expect_json out 'd["last_day"] == "2026-01-03" and d["base_id"] != d["model_id"]'
base_id=$(python3 -c 'import json; print(json.load(open("out"))["base_id"])')
expect_exit 0 inspect --model=base/published
expect_out "$base_id"
# From a pipe a new base is taken by the next --resume.
"$tandem" online --run_dir=piped --input=- "${arguments[@]}" <stream.tsv >out 2>err
daily base 2026-01-04 --resume
"$tandem" online --run_dir=piped --input=- "${arguments[@]}" --resume <stream.tsv >out 2>err
expect_err "starting over from it"
expect_err "= 2,000 trained"

section "predict follows it between files"
mkfifo first
"$tandem" predict --model=link --input=never >/dev/null 2>&1 && fail "a link that isn't there" || true
ln -s whole/published link
awk -v many="$(is_sanitized && echo 40000 || echo 200000)" \
  '{print} NR > 1 {row[NR - 2] = $0} END {for (i = 0; i < many; ++i) print row[i % (NR - 1)]}' few.tsv >many.tsv
"$tandem" predict --model=link --input=-,few.tsv --output=scores.tsv <first 2>predict.log &
process=$!
exec 3>first
cat many.tsv >&3
# Once there are scores the first file is at work, and its model is chosen.
for ((wait = 0; wait < 400; ++wait)); do
  [ -z "$(find . -maxdepth 1 -name 'tmp-scores.tsv.tandem-*' -size +4k)" ] || break
  sleep 0.05
done
[ $wait -lt 400 ] || fail "no scores of what is there"
ln -sfn base/published link
exec 3>&-
wait $process || fail "predict: $(cat predict.log)"
expect_exit 0 predict --model=whole/published --input=many.tsv --output=whole.tsv
expect_exit 0 predict --model=base/published --input=few.tsv --output=base.tsv
expect_same scores.tsv <(cat whole.tsv <(tail -n +2 base.tsv))
section "passed"
