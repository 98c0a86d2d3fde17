#!/usr/bin/env bash
# From a bare Debian 12 to a trained pair of rankers: installs, builds, writes a synthetic log of 31 days, trains teacher and
# student on 30 of them, fine-tunes on the last, evaluates, exports the student, scores a file, and prints what came of it.
#
#   tools/quickstart.sh [FOLDER]      # default: quickstart; what an earlier run left there is replaced
set -euo pipefail
case ${1:-} in -*) sed -n '2,5s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 2 ;; esac
cd "$(dirname "$0")/.."

work=${1:-quickstart}
rows_per_day=20000
tandem=build/tandem
config=configs/synthetic.pbtxt,configs/distill/student_phase.pbtxt
last_day=2026-01-31
log="data.path=$work/logs/{date}.tsv.gz"

step() { printf '\n== %s\n' "$*" >&2; }

step "Packages and build"
tools/install_deps.sh
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build --target tandem_cli
SECONDS=0

mkdir -p "$work"
for name in logs run finetuned bundle; do rm -rf "${work:?}/$name"; done
rm -f "$work"/*.json "$work"/predictions.tsv

step "A log of 31 days, $rows_per_day rows each, whose truth is known; and unseen rows of the last day to test on"
"$tandem" synth --output="$work/logs" --days=31 --rows_per_day=$rows_per_day --holdout_rows=$rows_per_day --seed=1 |
  tee "$work/synth.json"
holdout=$work/logs/holdout.tsv.gz

step "Training on the 30 days that end on 2026-01-30"
"$tandem" train --config=$config --run_dir="$work/run" --end_date=2026-01-30 "$log"
"$tandem" evaluate --model="$work/run" --input="$holdout" --output="$work/trained.json"

step "Fine-tuning on $last_day"
"$tandem" finetune --init_from="$work/run" --run_dir="$work/finetuned" --begin_date=$last_day --end_date=$last_day "$log"

step "Evaluating on unseen rows of $last_day"
"$tandem" evaluate --model="$work/finetuned" --input="$holdout" --output="$work/finetuned.json"
cat "$work/finetuned.json"

step "Exporting the student, and scoring a file with it"
"$tandem" export --model="$work/finetuned" --output="$work/bundle"
"$tandem" predict --model="$work/bundle" --input="$holdout" --output="$work/predictions.tsv"
"$tandem" inspect --model="$work/finetuned" --format=json --time >"$work/inspect.json"

step "Done, ${SECONDS} s after the build"
python3 tools/quickstart_table.py "$work"
