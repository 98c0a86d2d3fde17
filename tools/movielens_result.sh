#!/usr/bin/env bash
# Trains, fine-tunes and evaluates configs/movielens.pbtxt on MovieLens-1M, and prints the result as a Markdown table.
#
#   tools/prepare_movielens.py --input=ml-1m --output=movielens
#   tools/movielens_result.sh --data=movielens --seeds=1,2,3 [--tandem=build/tandem] [--work=DIR] [key=value ...]
#
# The window is the 30 days to 2000-12-01, tested on 2000-12-02..2000-12-08. The second part goes on with 2000-12-02 alone and
# tests on 2000-12-03..2000-12-08, next to the same run without it. A mean and the deviation over the seeds a cell.
# --work keeps the runs, which are otherwise deleted; it must be new or empty. Overrides go to `tandem train`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tandem=$root/build/tandem
data= seeds=1,2,3 work=
overrides=()

fail() {
  echo "movielens_result.sh: $1" >&2
  exit 2
}

for argument in "$@"; do
  case $argument in
    --data=*) data=${argument#*=} ;;
    --seeds=*) seeds=${argument#*=} ;;
    --tandem=*) tandem=${argument#*=} ;;
    --work=*) work=${argument#*=} ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) fail "$argument: one of --data, --seeds, --tandem, --work (see --help)" ;;
    *=*) overrides+=("$argument") ;;
    *) fail "$argument: an override is key=value" ;;
  esac
done
[[ -n $data ]] || fail "--data=DIR, the folder that tools/prepare_movielens.py wrote, is missing"
[[ -f $data/2000-12-01.tsv.gz ]] || fail "--data=$data holds no 2000-12-01.tsv.gz"
[[ -x $tandem ]] || fail "--tandem=$tandem is no program; build it first"
[[ $seeds =~ ^[0-9]+(,[0-9]+)*$ ]] || fail "--seeds=$seeds: numbers, separated by commas"
if [[ -z $work ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
[[ -z $(ls -A "$work") ]] || fail "--work=$work is not empty"

# Runs a command and shows its log only if it fails.
quietly() {
  "$@" >/dev/null 2>"$work/log" || {
    local code=$?
    cat "$work/log" >&2
    exit "$code"
  }
}

first_day=2000-12-02
week="$data/2000-12-0[2-8].tsv.gz"
rest_of_week="$data/2000-12-0[3-8].tsv.gz"
for seed in ${seeds//,/ }; do
  run=$work/seed-$seed
  echo "seed $seed" >&2
  quietly "$tandem" train --config="$root/configs/movielens.pbtxt" --run_dir="$run" --end_date=2000-12-01 \
    data.path="$data/{date}.tsv.gz" train.seed="$seed" ${overrides[@]+"${overrides[@]}"}
  quietly "$tandem" finetune --init_from="$run" --run_dir="$run-finetuned" \
    --config="$root/configs/finetune/movielens.pbtxt" --begin_date=$first_day --end_date=$first_day
  quietly "$tandem" evaluate --model="$run" --input="$week" --output="$run-week.json"
  quietly "$tandem" evaluate --model="$run" --input="$rest_of_week" --output="$run-before.json"
  quietly "$tandem" evaluate --model="$run-finetuned" --input="$rest_of_week" --output="$run-after.json"
done

python3 - "$work" "$seeds" <<'PYTHON'
import json
import statistics
import sys

work, seeds = sys.argv[1], sys.argv[2].split(",")
PARTS = [
    ("week", "12-02..12-08, trained to 12-01"),
    ("before", "12-03..12-08, trained to 12-01"),
    ("after", "12-03..12-08, fine-tuned on 12-02"),
]
METRICS = [("auc", 4), ("logloss", 4), ("gauc", 4), ("copc", 3)]


def cell(values, digits):
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.{digits}f} ± {deviation:.{digits}f}"


print("| tested on | tower | AUC | log loss | GAUC | COPC |")
print("|---|---|---|---|---|---|")
for part, title in PARTS:
    results = []
    for seed in seeds:
        with open(f"{work}/seed-{seed}-{part}.json", encoding="utf-8") as file:
            results.append(json.load(file))
    for tower in ("teacher", "student"):
        cells = [cell([r[tower][metric] for r in results], digits) for metric, digits in METRICS]
        print(f"| {title} | {tower} | " + " | ".join(cells) + " |")
print(f"\nMean ± deviation over seeds {', '.join(seeds)}; {results[0]['rows']:,} rows in 12-03..12-08.")
PYTHON
