#!/usr/bin/env bash
# The command line as its documentation promises it: what every command does, what it refuses, and with which exit code.
#
#   tests/end_to_end/cli_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

config=$source_dir/configs/synthetic.pbtxt
log='data.path=logs/{date}.tsv.gz'
small=(embedding.dim=4 model.teacher.mlp.hidden=16,8 model.student.mlp.hidden=8,4 train.batch_size=64 train.shard_rows=16 runtime.threads=2)
holdout=logs/holdout.tsv.gz
cat >cin.pbtxt <<<'model { teacher { interaction { cin { layers: 4 layers: 4 } } } }'

# train RUN END_DATE ARGUMENTS...
train() {
  local paths=("$log")
  [[ " ${*:3}" != *" data.path="* ]] || paths=()
  expect_exit 0 train --config="$config,cin.pbtxt" --run_dir="$1" --end_date="$2" "${paths[@]}" "${small[@]}" "${@:3}"
}
refuse_train() { expect_exit "$1" train --config="$config,cin.pbtxt" --run_dir="$2" --end_date="$3" "${small[@]}" "${@:4}"; }
# flip_byte FILE: the middle one
flip_byte() {
  python3 -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[1], "wb").write(data)' "$1"
}

section "synth"
expect_exit 0 synth --output=logs --days=4 --rows_per_day=600 --holdout_rows=300 --vocabulary=200 --seed=3
expect_json out 'd["rows"] == 2400 and 0 < d["ctr"] < 1 and 0.5 < d["bayes_auc"] < 1'
expect_exit 0 synth --output=again --days=4 --rows_per_day=600 --holdout_rows=300 --vocabulary=200 --seed=3
expect_same_folder logs again
expect_equal "rows a day" "$(zcat logs/2026-01-02.tsv.gz | tail -n +2 | wc -l)" 600
zcat $holdout >holdout.tsv

section "usage"
expect_exit 0 help
for command in train finetune evaluate importance report predict export inspect synth compare tune; do
  expect_exit 0 help
  expect_out "$command"
  expect_exit 0 help $command
  expect_out "--"
  expect_exit 0 $command --help
done
expect_exit 2
expect_exit 2 trian
expect_err "did you mean 'train'"
expect_exit 2 train --config="$config" --run_dir=x --end_data=2026-01-04
expect_err "did you mean '--end_date'"
expect_exit 2 predict --model=x --input=y --run_dir=z
expect_err "no flag --run_dir"
expect_exit 2 train --run_dir=x --config
expect_err "--config wants a value"
expect_exit 2 train --config="$config"
expect_err "needs --run_dir"
expect_exit 2 synth --output=x --days=many
expect_err "--days=many"
expect_exit 2 synth --output=x seed=2
refuse_train 2 x 2026-01-04 "$log" train.bacth_size=64
expect_err "batch_size"
refuse_train 2 x 2026-01-04 "$log" train.batch_size=lots
expect_err "lots"
refuse_train 2 x 2026-01-04 "$log" runtime.threads=-1
refuse_train 2 x 2026-01-04 "$log" stray
refuse_train 2 x 2026-13-04 "$log"
expect_err "2026-13-04"
expect_exit 2 train --config=nowhere.pbtxt --run_dir=x --end_date=2026-01-04
expect_err "nowhere.pbtxt"
printf 'train {\n  seed: 2\n  windw_days: 4\n}\n' >typo.pbtxt
expect_exit 2 train --config="$config,typo.pbtxt" --run_dir=x --end_date=2026-01-04
expect_err "typo.pbtxt:3:3"
expect_err "window_days"
expect_absent x

section "train"
train run 2026-01-04 train.window_days=4
expect_equal "what train prints" "$(cat out)" "$(last_checkpoint run)"
expect_err "2,400 rows read = 2,400 trained + 0 quarantined"
for file in config.pbtxt metrics.jsonl; do [ -s run/$file ] || fail "run/$file is missing or empty"; done
tail -1 run/metrics.jsonl >day.json
expect_json day.json 'd["day"] == "2026-01-04" and d["rows"] == 600 and 0 < d["progressive"]["student"]["auc"] < 1'
expect_equal "checkpoints kept" "$(find run/checkpoints -name 'step-*' | wc -l)" 2
refuse_train 2 run 2026-01-04 "$log" train.window_days=4
expect_err "not empty"
expect_exit 0 train --run_dir=run --end_date=2026-01-04 --resume
expect_equal "a finished run" "$(cat out)" complete
refuse_train 2 run 2026-01-04 "$log" train.window_days=4 train.seed=7 --resume
expect_err "seed"
train gap 2026-01-05 train.window_days=2
expect_err "2026-01-05"
expect_err "600 rows read"
touch afile
refuse_train 2 afile 2026-01-04 "$log"
expect_err "afile is a file"
refuse_train 2 afile/deep/run 2026-01-04 "$log"
expect_err "run_dir: afile/deep/run can't be made: afile is a file"
expect_exit 2 synth --output=-
expect_err "no folder"
# A mistake found in the log leaves nothing in the way of the corrected call.
refuse_train 3 mended 2026-01-02 "$log" data.label=nosuch train.window_days=1
expect_err "nosuch"
expect_absent mended
refuse_train 3 empty 2027-01-01 "$log"
expect_err "no file"
expect_absent empty
train fresh 2026-01-02 train.window_days=1 --resume
cp -r fresh begun
rm -r begun/checkpoints begun/complete
expect_exit 0 train --run_dir=begun --end_date=2026-01-02 --resume
expect_same_folder fresh/checkpoints begun/checkpoints
train profiled 2026-01-02 train.window_days=1 --profile
expect_err "teacher backward"
expect_json profiled/profile.json 'd["command"] == "train" and all(s["calls"] > 0 for s in d["stages"])'
expect_same_folder fresh/checkpoints profiled/checkpoints
cp profiled/profile.json profile_of_the_run
expect_exit 0 train --run_dir=profiled --end_date=2026-01-02 --resume --profile
expect_equal "a finished run" "$(cat out)" complete
expect_same profile_of_the_run profiled/profile.json

section "malformed rows"
mkdir bad
{
  head -301 holdout.tsv
  sed -n 5p holdout.tsv | sed 's/^./7/'
  printf '1\tu1\ti1\ttoo few\n'
  sed -n 6p holdout.tsv | awk -F'\t' -v OFS='\t' '{$17 = "nan"; print}'
} >bad/2026-01-01.tsv
sed -n '1p;302,$p' bad/2026-01-01.tsv >expected.quarantine
bad='data.path=bad/{date}.tsv'
expect_exit 0 train --config="$config,cin.pbtxt" --run_dir=badly --end_date=2026-01-01 "$bad" "${small[@]}" train.epochs=2
expect_err "303 rows read = 300 trained + 3 quarantined"
expect_err "bad/2026-01-01.tsv:302"
expect_same badly/quarantine/2026-01-01.tsv expected.quarantine
refuse_train 3 worse 2026-01-01 "$bad" data.max_bad_fraction=0.005
expect_err "max_bad_fraction"
expect_absent worse/complete
expect_exit 3 evaluate --model=run --input=bad/2026-01-01.tsv data.max_bad_fraction=0.005

section "predict"
expect_exit 0 predict --model=run --input=$holdout --output=both.tsv --tower=both
expect_equal "header" "$(head -1 both.tsv)" "$(printf 'user\titem\tstudent\tteacher')"
tail -n +2 both.tsv | cut -f1,2 | cmp - <(tail -n +2 holdout.tsv | cut -f2,3) || fail "keys are not those of the input, in its order"
for tower in student teacher; do
  expect_exit 0 predict --model=run --input=$holdout --output=$tower.tsv --tower=$tower
  expect_equal "header" "$(head -1 $tower.tsv)" "$(printf 'user\titem\t%s' $tower)"
done
cmp <(cut -f1-3 both.tsv) student.tsv || fail "the student's scores beside the teacher's"
cmp <(cut -f1,2,4 both.tsv) teacher.tsv || fail "the teacher's scores beside the student's"
expect_exit 0 predict --model=run --input=$holdout
expect_same out student.tsv
expect_exit 0 predict --model=run --input=$holdout --profile
expect_same out student.tsv
expect_err "student forward"
"$tandem" predict --model=run --input=- --output=- <holdout.tsv >from_stdin.tsv 2>err
expect_same from_stdin.tsv student.tsv
gzip -c holdout.tsv | "$tandem" predict --model=run --input=- >from_stdin.tsv 2>err
expect_same from_stdin.tsv student.tsv
# No label, other order of columns.
awk -F'\t' -v OFS='\t' '{for (i = NF; i > 2; --i) printf "%s\t", $i; print $2}' holdout.tsv >reversed.tsv
expect_exit 0 predict --model=run --input=reversed.tsv --output=reversed.scores
expect_same reversed.scores student.tsv
# Scores are the shortest text of a float32 in (0, 1).
python3 - both.tsv <<'PYTHON' || fail "scores don't read back to the same float"
import struct, sys
for row in open(sys.argv[1]).read().splitlines()[1:]:
    for text in row.split("\t")[2:]:
        value = struct.unpack("f", struct.pack("f", float(text)))[0]
        assert 0 < value < 1, text
        assert float(text) == float("%.9g" % value) or struct.pack("f", float("%.9g" % value)) == struct.pack("f", float(text)), text
        shorter = f"{value:.5g}"
        assert len(text) <= 16 and (struct.pack("f", float(shorter)) != struct.pack("f", value) or len(text) <= len(shorter)), text
PYTHON
expect_exit 0 predict --model=run --input=bad/2026-01-01.tsv --output=bad.tsv data.max_bad_fraction=0.01
expect_equal "rows of the input" "$(wc -l <bad.tsv)" "$(wc -l <bad/2026-01-01.tsv)"
expect_same <(head -301 bad.tsv) student.tsv
expect_err "2 of them malformed"
expect_equal "a row of too few columns" "$(sed -n 303p bad.tsv)" "$(printf 'u1\ti1\t')"
expect_equal "a row that is not a number" "$(sed -n 304p bad.tsv)" "$(sed -n 6p holdout.tsv | cut -f2,3)$(printf '\t')"
expect_exit 3 predict --model=run --input=bad/2026-01-01.tsv --output=never.tsv data.max_bad_fraction=0.001
cut -f1-5,7- holdout.tsv >no_query.tsv
expect_exit 3 predict --model=run --input=no_query.tsv --output=never.tsv
expect_err "no column 'query'"
expect_exit 3 predict --model=run --input=nowhere.tsv --output=never.tsv
zcat logs/2026-01-01.tsv.gz | sed -n 1p >header.tsv
expect_exit 3 train --config="$config" --run_dir=norows data.path=header.tsv
expect_err "data.path: header.tsv: not one row to train on"
expect_absent norows/complete
expect_exit 0 predict --model=run --input=header.tsv --output=norows.tsv
expect_err "0 rows"
! grep -q unknown err || fail "of no rows no share of ids is unknown"
mkfifo endless
expect_exit 3 predict --model=run --input=endless --output=never.tsv
expect_err "endless: is a pipe, where a file is wanted"
"$tandem" predict --model=run --input=- --output=never.tsv <endless 2>/dev/null &
process=$!
exec 3>endless
sed -n 1,9p holdout.tsv >&3
for ((wait = 0; wait < 400; ++wait)); do
  [ -z "$(find . -maxdepth 1 -name 'tmp-never.tsv.tandem-*')" ] || break
  sleep 0.05
done
[ -n "$(find . -maxdepth 1 -name 'tmp-never.tsv.tandem-*')" ] || fail "predict has no file aside to write to"
kill -TERM $process
wait $process && code=0 || code=$?
exec 3>&-
expect_equal "exit code of SIGTERM" $code 143
expect_equal "what a killed predict leaves" "$(find . -maxdepth 1 -name '*never.tsv*')" ""
expect_exit 2 predict --model=run --input=$holdout --output=never.tsv train.seed=2
expect_exit 2 predict --model=run --input=$holdout --output=never.tsv --tower=third
expect_exit 2 predict --model=run --input=$holdout --output=never.tsv.gz
expect_err "--output: never.tsv.gz: what is written is plain text; leave .gz off"
expect_exit 2 predict --model=run --input=$holdout --output=nowhere/never.tsv
expect_err "--output: nowhere/never.tsv: cannot write: No such file or directory"
expect_exit 4 predict --model=nowhere --input=$holdout --output=never.tsv
expect_equal "files of failed commands" "$(find . -name '*never*')" ""

section "a comma in a name"
cp holdout.tsv 'clicks,1.tsv'
cp "$config" 'the,log.pbtxt'
expect_exit 0 predict --model=run --input='clicks,1.tsv'
expect_same out student.tsv
cp holdout.tsv 'clicks,2.tsv'
expect_exit 0 predict --model=run --input='clicks\,[1].tsv,clicks\,2.tsv'
cmp out <(cat student.tsv; tail -n +2 student.tsv) || fail "a comma after a backslash"
expect_exit 3 predict --model=run --input='clicks,1.tsv,clicks,1.tsv'
expect_err "no file 'clicks'"
for files in 'the,log.pbtxt' 'the\,log.pbtxt,cin.pbtxt'; do
  expect_exit 3 train --config="$files" --run_dir=never --end_date=2026-01-02 data.path='no,where/{date}.tsv'
  expect_err "looked for 'no,where/{date}.tsv'"
done

section "evaluate"
expect_exit 0 evaluate --model=run --input=$holdout --output=metrics.json
expect_json metrics.json 'list(d) == ["rows", "teacher", "student", "fields"] and d["rows"] == 300'
expect_json metrics.json 'all(list(d[t]) == ["auc", "logloss", "gauc", "copc", "normalized_entropy", "seen", "unseen", "calibration"] for t in ("teacher", "student"))'
expect_json metrics.json 'all(isinstance(v, float) and 0 < v < 10 for t in ("teacher", "student") for v in list(d[t].values())[:5])'
expect_json metrics.json 'all(sum(b["rows"] for b in d[t]["calibration"]) == 300 for t in ("teacher", "student"))'
# Users seen in training are those of the window's files.
python3 - metrics.json holdout.tsv logs/2026-01-0?.tsv.gz <<'PYTHON' || fail "seen and unseen users"
import gzip, json, sys
users = lambda lines: [line.split("\t")[1] for line in lines.read().splitlines()[1:]]
trained = {user for path in sys.argv[3:] for user in users(gzip.open(path, "rt"))}
seen = sum(user in trained for user in users(open(sys.argv[2])))
for tower in ("teacher", "student"):
    metrics = json.load(open(sys.argv[1]))[tower]
    assert (metrics["seen"]["rows"], metrics["unseen"]["rows"]) == (seen, 300 - seen), (metrics, seen)
PYTHON
# Evaluate and predict see the same scores.
python3 - metrics.json both.tsv holdout.tsv <<'PYTHON' || fail "evaluate's log loss is not that of predict's scores"
import json, math, sys
rows = lambda path: [line.split("\t") for line in open(path).read().splitlines()[1:]]
metrics, scores, labels = json.load(open(sys.argv[1])), rows(sys.argv[2]), [float(row[0]) for row in rows(sys.argv[3])]
for column, tower in ((2, "student"), (3, "teacher")):
    loss = -sum(math.log(float(s[column]) if y else 1 - float(s[column])) for s, y in zip(scores, labels)) / len(labels)
    assert abs(loss - metrics[tower]["logloss"]) < 1e-6, (tower, loss)
PYTHON
# Text for people, JSON in a file; --format chooses.
expect_exit 0 evaluate --model=run --input=$holdout
expect_out "300 rows"
grep -qE "^auc +$(python3 -c 'import json; d = json.load(open("metrics.json")); print("{:.4f} +{:.4f}".format(d["teacher"]["auc"], d["student"]["auc"]))') " out || fail "$(cat out)"
cp out metrics.txt
expect_exit 0 evaluate --model=run --input=$holdout --output=-
expect_same out metrics.txt
expect_exit 0 evaluate --model=run --input=$holdout --output=written.txt --format=text
expect_same written.txt metrics.txt
expect_exit 0 evaluate --model=run --input=$holdout --format=json
expect_same out metrics.json
expect_exit 2 evaluate --model=run --input=$holdout --format=xml --output=never.json
{ head -1 holdout.tsv; grep '^0' holdout.tsv; } >negatives.tsv
expect_exit 0 evaluate --model=run --input=negatives.tsv --format=json
expect_json out 'd["student"]["auc"] is None and d["student"]["gauc"] is None and d["student"]["logloss"] > 0'

section "importance"
expect_exit 0 importance --model=run --input=$holdout --repeats=2
expect_out "300 rows, 2 permutations a column, seed 1"
cp out importance.txt
expect_exit 0 importance --model=run --input=- --repeats=2 --seed=1 --max_rows=300 runtime.threads=1 <holdout.tsv
expect_same out importance.txt
expect_exit 0 importance --model=run --input=$holdout --repeats=2 --output=importance.json
expect_json importance.json 'd["student"]["auc"] == json.load(open("metrics.json"))["student"]["auc"]'
expect_json importance.json 'd["columns"][0]["student"]["auc_lost"]["mean"] >= d["columns"][-1]["student"]["auc_lost"]["mean"]'
expect_exit 2 importance --model=run --input=$holdout --repeats=1 --output=never.json
expect_err "repeats is 1: at least 2"

section "report"
expect_exit 0 report --model=run --input=$holdout --repeats=2 --output=report.html
for text in "What did run learn?" "How well it does" "What each column is worth" "Calibration" "Learning" "Method CO_TRAIN"; do
  grep -qF "$text" report.html || fail "no '$text' on the page"
done
! grep -qE 'https?:|src=|<script|nan' report.html || fail "the page needs something from elsewhere: $(grep -oE '.{30}(https?:|src=|<script|nan).{30}' report.html)"
python3 - report.html <<'PYTHON' || fail "report.html is not one whole page"
import html.parser, sys
tags = []
class Checker(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag != "meta": tags.append(tag)
    def handle_endtag(self, tag): assert tags.pop() == tag, tag
    def handle_startendtag(self, tag, attributes): pass
page = open(sys.argv[1], encoding="utf-8").read()
Checker().feed(page)
assert not tags and page.count("<svg") >= 5, (tags, page.count("<svg"))
PYTHON
expect_exit 0 report --model=run --output=- # what the run noted of itself
expect_out "Not asked: metrics"
expect_exit 2 report --model=run --output=never.html --seed=2
expect_exit 2 report --model=run --input=- --output=never.html

section "one tower only"
for tower in teacher student; do
  train $tower-alone 2026-01-01 train.window_days=1 model.method=${tower^^}_ALONE
  expect_exit 0 evaluate --model=$tower-alone --input=$holdout --format=json
  expect_json out "list(d) == ['rows', '$tower', 'fields']"
  expect_exit 0 predict --model=$tower-alone --input=$holdout --tower=$tower
  expect_exit 0 report --model=$tower-alone --input=$holdout --repeats=2 --output=alone.html
  expect_exit 2 predict --model=$tower-alone --input=$holdout --output=never.tsv --tower=both
done
expect_exit 0 evaluate --model=run --input=$holdout --tower=student --format=json
expect_json out "list(d) == ['rows', 'student', 'fields'] and d['student'] == json.load(open('metrics.json'))['student']"
expect_exit 2 evaluate --model=run --input=$holdout --tower=committee
expect_err "has one teacher, and no committee"
cat >committee.pbtxt <<'TEXT'
clear: ["model.teacher", "model.distill", "model.student"]
model { method: TEACHER_ALONE committee { member { copies: 2 tower { mlp { hidden: 4 } } } } }
TEXT
expect_exit 0 train --config="$config,committee.pbtxt" --run_dir=committee --end_date=2026-01-01 "$log" embedding.dim=4 train.window_days=1
for tower in committee member:0 member:1; do
  expect_exit 0 evaluate --model=committee --input=$holdout --tower=$tower --format=json --output=$tower.json
done
expect_json committee.json "list(d) == ['rows', 'tower', 'teacher', 'fields'] and d['tower'] == 'committee'"
expect_json committee.json "d['teacher'] != json.load(open('member:0.json'))['teacher'] != json.load(open('member:1.json'))['teacher']"
expect_exit 2 evaluate --model=committee --input=$holdout --tower=member:2
expect_err "has 2 members, from 0 to 1, and no member 2"
expect_exit 2 predict --model=teacher-alone --input=$holdout --output=never.tsv
expect_exit 2 predict --model=student-alone --input=$holdout --output=never.tsv --tower=teacher
expect_exit 2 export --model=teacher-alone --output=never
expect_err "a bundle serves the student"
expect_exit 2 export --model=run --output=-
expect_exit 2 export --model=run --output=never --max_auc_loss=0.1
expect_exit 2 finetune --init_from=teacher-alone --run_dir=never --begin_date=2026-01-02 --end_date=2026-01-02 --towers=student

section "export"
expect_exit 0 export --model=run --output=bundle
expect_equal "files of a bundle" "$(ls bundle | tr '\n' ' ')" "MANIFEST embedding.bin graph.bin "
expect_exit 0 predict --model=bundle --input=$holdout --output=bundle.tsv
expect_same bundle.tsv student.tsv
expect_exit 0 evaluate --model=bundle --input=$holdout --output=bundle.json
expect_json bundle.json "list(d) == ['rows', 'student', 'fields'] and d['student'] == json.load(open('metrics.json'))['student']"
expect_exit 0 report --model=bundle --input=$holdout --repeats=2 --output=bundle.html
expect_exit 2 predict --model=bundle --input=$holdout --output=never.tsv --tower=teacher
expect_exit 2 export --model=run --output=bundle
expect_err "there already"
expect_exit 2 export --model=bundle --output=never
expect_exit 2 finetune --init_from=bundle --run_dir=never --begin_date=2026-01-04 --end_date=2026-01-04
expect_exit 0 predict --model="$(find run/checkpoints -name 'step-*' | sort | sed -n 1p)" --input=$holdout --output=older.tsv
expect_differ older.tsv student.tsv

section "damage"
# expect_refused MODEL: exit 4 from every command that reads it, and no output
expect_refused() {
  expect_exit 4 predict --model="$1" --input=$holdout --output=never.tsv
  expect_exit 4 evaluate --model="$1" --input=$holdout --output=never.json
  expect_exit 4 inspect --model="$1" --output=never.txt
  expect_equal "files of failed commands" "$(find . -name '*never*')" ""
}
newest=$(last_checkpoint run)
for whole in "$newest" bundle; do
  for file in "$whole"/*; do
    name=$(basename "$file")
    for harm in flip remove truncate; do
      rm -rf damaged && cp -r "$whole" damaged
      case $harm in
        flip) flip_byte "damaged/$name" ;;
        remove) rm "damaged/$name" ;;
        truncate) truncate -s -1 "damaged/$name" ;;
      esac
      cmp -s "$file" "damaged/$name" || expect_exit 4 predict --model=damaged --input=$holdout --output=never.tsv
    done
  done
  rm -rf damaged && cp -r "$whole" damaged
  echo stray >damaged/stray
  expect_refused damaged
done
cp -r run hurt && flip_byte "hurt/${newest#run/}/teacher.bin"
expect_refused hurt  # the newest step, never the older one
expect_exit 4 export --model=hurt --output=never
expect_exit 4 finetune --init_from=hurt --run_dir=never --begin_date=2026-01-04 --end_date=2026-01-04 "$log"
expect_exit 4 train --run_dir=hurt --end_date=2026-01-04 --resume
expect_err "is whole: move the damaged one away to go on from it"
# What the damaged one held is trained again, though the run was complete.
cp -r run shortened && rm -r "$(last_checkpoint shortened)"
expect_exit 0 train --run_dir=shortened --end_date=2026-01-04 --resume
expect_err "shortened was complete at step"
expect_same_folder "$(last_checkpoint shortened)" "$(last_checkpoint run)"
expect_absent never
train other 2026-01-04 train.window_days=4 train.seed=2
expect_exit 0 export --model=other --output=other-bundle
for name in graph.bin embedding.bin; do
  rm -rf mixed && cp -r bundle mixed && cp other-bundle/$name mixed/
  expect_refused mixed
  seal mixed
  expect_refused mixed
done
cp bundle/* mixed/ && seal mixed  # what seals a mixed pair seals a true one alike
expect_same_folder mixed bundle

section "files of another format are refused by name"
seal mixed 3
expect_refused mixed
expect_err "mixed: was written by a newer Tandem (format 3, this one reads up to 2)"
cp -r run newer && seal "$(last_checkpoint newer)" 3
expect_exit 4 train --run_dir=newer --end_date=2026-01-04 --resume
expect_err "$(last_checkpoint newer): was written by a newer Tandem"
rm -r newer && cp -r run newer && sed -i '1s/2/3/' newer/config.pbtxt
expect_exit 4 train --run_dir=newer --end_date=2026-01-04 --resume
expect_err "newer/config.pbtxt: was written by a newer Tandem"

section "finetune"
expect_exit 0 finetune --init_from=fresh --run_dir=tuned --begin_date=2026-01-03 --end_date=2026-01-04
expect_equal "what finetune prints" "$(cat out)" "$(last_checkpoint tuned)"
expect_err "1,200 rows read"
head -1 holdout.tsv >header.tsv
expect_exit 3 finetune --init_from=fresh --run_dir=never --input=header.tsv
expect_err "not one row to train on"
expect_absent never
expect_exit 0 finetune --init_from=fresh --run_dir=tuned-input --input=logs/2026-01-03.tsv.gz,logs/2026-01-04.tsv.gz
expect_err "1,200 rows read"
expect_exit 0 finetune --init_from=fresh --run_dir=tuned-student --begin_date=2026-01-03 --end_date=2026-01-04 --towers=student
start=$(last_checkpoint fresh)
expect_same "$(last_checkpoint tuned-student)/teacher.bin" "$start/teacher.bin"
expect_same "$(last_checkpoint tuned-student)/embedding.bin" "$start/embedding.bin"
expect_differ "$(last_checkpoint tuned-student)/student.bin" "$start/student.bin"
expect_exit 0 finetune --init_from=fresh --run_dir=tuned-reset --begin_date=2026-01-03 --end_date=2026-01-04 --reset_optimizer
expect_differ "$(last_checkpoint tuned-reset)/teacher.bin" "$(last_checkpoint tuned)/teacher.bin"
expect_exit 2 finetune --init_from=fresh --run_dir=tuned --begin_date=2026-01-03 --end_date=2026-01-04
expect_exit 2 finetune --init_from=fresh --run_dir=never --begin_date=2026-01-03 --end_date=2026-01-04 --input=$holdout
expect_exit 2 finetune --init_from=fresh --run_dir=never
expect_exit 2 finetune --init_from=fresh --run_dir=never --begin_date=2026-01-03 --end_date=2026-01-04 --towers=teacher
expect_exit 3 finetune --init_from=fresh --run_dir=never --begin_date=2027-01-03 --end_date=2027-01-04
expect_exit 2 finetune --init_from=fresh --run_dir=never --begin_date=2026-01-03 --end_date=2026-01-04 drop_feature=hour
expect_err "removed: hour"
expect_absent never
expect_exit 0 finetune --init_from=fresh --run_dir=dropped --begin_date=2026-01-03 --end_date=2026-01-03 drop_feature=hour --allow_feature_change
expect_err "removed: hour"
expect_exit 0 finetune --init_from=dropped --run_dir=added --begin_date=2026-01-04 --end_date=2026-01-04 drop_feature= --allow_feature_change
expect_err "added: hour"

section "inspect"
expect_exit 0 inspect --model=run
expect_out "dense_parameters"
expect_exit 0 inspect --model=run --output=model.json
expect_json model.json 'd["kind"] == "checkpoint"'
for model in run bundle; do
  expect_exit 0 inspect --model=$model --format=json
  expect_json out 'all(d["student"][k] > 0 for k in ("dense_parameters", "flops_per_sample", "embedding_rows", "embedding_bytes"))'
  expect_json out "('teacher' in d) == ('$model' == 'run') and len(d['fields']) == 17"
done
expect_exit 0 inspect --data --input='logs/2026-01-0*.tsv.gz'
expect_out "brand"
expect_exit 0 inspect --data --input=$holdout --config="$config" --format=json
expect_out '"price"'
expect_exit 2 inspect
expect_exit 2 inspect --model=run --format=xml
expect_exit 2 inspect --model=run --data --input=$holdout

section "sampled negatives"
train sampled 2026-01-04 train.window_days=4 data.negative_keep_rate=0.25
expect_exit 0 predict --model=sampled --input=$holdout --output=sampled.tsv --tower=both
python3 - both.tsv sampled.tsv <<'PYTHON' || fail "the corrected probability is not p / (p + (1 - p) / rate)"
import sys
rows = lambda path: [line.split("\t") for line in open(path).read().splitlines()[1:]]
for plain, corrected in zip(rows(sys.argv[1]), rows(sys.argv[2])):
    for p, q in zip(map(float, plain[2:]), map(float, corrected[2:])):
        expected = p / (p + (1 - p) / 0.25)
        assert abs(q - expected) < 1e-6, (p, q, expected)
PYTHON

section "a teacher's scores"
# docs/distillation.md: what `predict` of a teacher wrote, beside the log it read, is a column to learn from.
mkdir scored hidden
for day in logs/2026-01-0*.tsv.gz; do
  paste <(zcat "$day") <("$tandem" predict --model=run --tower=teacher --input="$day" --output=- 2>err | cut -f3) |
    gzip >"scored/$(basename "$day")"
done
scored='data.path=scored/{date}.tsv.gz'
stored=(model.method=STUDENT_ALONE model.distill.stored_logits.column=teacher train.window_days=4)
train scored-run 2026-01-04 "$scored" "${stored[@]}"
train alone-run 2026-01-04 "$scored" model.method=STUDENT_ALONE train.window_days=4
expect_differ "$(last_checkpoint scored-run)/student.bin" "$(last_checkpoint alone-run)/student.bin"
expect_exit 0 evaluate --model=scored-run --input=$holdout --format=json # has no such column
expect_json out 'list(d) == ["rows", "student", "fields"] and d["rows"] == 300'
# Probability and logit are one thing.
for day in scored/*.gz; do
  zcat "$day" | python3 -c 'import math, sys
print(next(sys.stdin).rstrip("\n"))
for line in sys.stdin:
    *cells, score = line.rstrip("\n").split("\t")
    print(*cells, math.log(float(score) / (1 - float(score))), sep="\t")' >"${day%.tsv.gz}.logit.tsv"
done
train logit-run 2026-01-04 'data.path=scored/{date}.logit.tsv' "${stored[@]}" model.distill.stored_logits.is=LOGIT
expect_same "$(last_checkpoint logit-run)/student.bin" "$(last_checkpoint scored-run)/student.bin"
refuse_train 3 none 2026-01-04 "$log" "${stored[@]}"
expect_err "no column 'teacher' (model.distill.stored_logits.column)"
refuse_train 2 none 2026-01-04 "$scored" "${stored[@]}" model.distill.stored_logits.is=ODDS
expect_err "PROBABILITY"
train teacher-run 2026-01-04 "$log" model.method=TEACHER_ALONE model.distill.stored_logits.column=teacher train.window_days=4
expect_err "isn't read"
# The second score of a day isn't one, the third is empty.
zcat scored/2026-01-01.tsv.gz | awk -F'\t' -v OFS='\t' 'NR == 3 {$NF = "1.5"} NR == 4 {$NF = ""} {print}' >2026-01-01.tsv
train bad-scores 2026-01-01 'data.path={date}.tsv' "${stored[@]}"
expect_err "2026-01-01.tsv:3: the teacher's score '1.5' in 'teacher' is not a probability"
expect_err "600 rows read = 599 trained + 1 quarantined"

section "rows without a label"
for day in 1 2 3 4; do
  zcat scored/2026-01-0$day.tsv.gz | awk -F'\t' -v OFS='\t' 'NR > 1 && NR % 5 > '$day' {$1 = ""} {print}' >hidden/2026-01-0$day.tsv
done
hidden='data.path=hidden/{date}.tsv'
refuse_train 3 refused 2026-01-04 "$hidden" train.window_days=4
expect_err "label '' is not 0 or 1"
for unlabelled in DROP USE_TEACHER; do
  train live-$unlabelled 2026-01-04 "$hidden" data.unlabelled=$unlabelled train.window_days=4
done
expect_err "2,400 rows read = 2,400 trained, 720 of them without a label + 0 quarantined"
expect_err "2026-01-01 done: 600 rows, 360 of them without a label"
expect_same "$(last_checkpoint live-DROP)/teacher.bin" "$(last_checkpoint live-USE_TEACHER)/teacher.bin"
expect_same "$(last_checkpoint live-DROP)/embedding.bin" "$(last_checkpoint live-USE_TEACHER)/embedding.bin"
expect_differ "$(last_checkpoint live-DROP)/student.bin" "$(last_checkpoint live-USE_TEACHER)/student.bin"
train stored-hidden 2026-01-04 "$hidden" "${stored[@]}" data.unlabelled=USE_TEACHER
train stored-dropped 2026-01-04 "$hidden" "${stored[@]}" data.unlabelled=DROP
expect_err "2,400 rows read = 1,680 trained + 720 without a label, left out + 0 quarantined"
expect_exit 0 evaluate --model=stored-hidden --input=hidden/2026-01-01.tsv --format=json
expect_json out 'list(d) == ["rows", "unlabelled", "student", "fields"] and d["rows"] == 240 and d["unlabelled"] == 360'
awk -F'\t' -v OFS='\t' 'NR > 1 {$1 = ""} {print}' hidden/2026-01-01.tsv >none.tsv
expect_exit 3 evaluate --model=stored-hidden --input=none.tsv
expect_err "not one row with a label (600 without)"
refuse_train 2 none 2026-01-04 "$hidden" model.method=STUDENT_ALONE data.unlabelled=USE_TEACHER
expect_err "data.unlabelled: USE_TEACHER, but there is no teacher"

section "signals"
# Long enough to be stopped in the middle: a checkpoint's writing is most of a step.
stoppable=(--config="$config,cin.pbtxt" --end_date=2026-01-04 "$log" "${small[@]}" train.window_days=4 train.epochs=8 runtime.checkpoint_every_steps=20)
expect_exit 0 train "${stoppable[@]}" --run_dir=whole
for signal in TERM INT; do
  # A shell's background process ignores SIGINT unless it is told otherwise.
  python3 - "$signal" "$tandem" train "${stoppable[@]}" --run_dir=stopped-$signal >out 2>err <<'PYTHON' && code=0 || code=$?
import os, signal, subprocess, sys, time
number = getattr(signal, "SIG" + sys.argv[1])
signal.signal(signal.SIGINT, signal.SIG_DFL)
process = subprocess.Popen(sys.argv[2:])
run = next(argument.split("=")[1] for argument in sys.argv if argument.startswith("--run_dir="))
while process.poll() is None and not (os.path.isdir(run + "/checkpoints") and os.listdir(run + "/checkpoints")):
    time.sleep(0.001)
process.send_signal(number)
sys.exit(process.wait())
PYTHON
  expected=143
  [ $signal = TERM ] || expected=130
  expect_equal "exit code of SIG$signal" $code $expected
  expect_err "stopped"
  expect_absent stopped-$signal/complete
  expect_exit 0 evaluate --model=stopped-$signal --input=$holdout
  expect_exit 0 train "${stoppable[@]}" --run_dir=stopped-$signal --resume
  expect_same_folder "$(last_checkpoint stopped-$signal)" "$(last_checkpoint whole)"
  expect_equal "steps" "$(basename "$(last_checkpoint stopped-$signal)")" "$(basename "$(last_checkpoint whole)")"
done
section "passed"
