#!/usr/bin/env bash
# The daily cycle on MovieLens-1M: what fine-tuning, a warm start and online updates are worth on the next day, and what the gate does
# with a poisoned day. Prints Markdown.
#
#   tools/prepare_movielens.py --input=ml-1m --output=movielens
#   tools/movielens_daily.sh --data=movielens [--begin=2000-12-02] [--end=2000-12-30] [--poisoned=2000-12-07] [--tandem=build/tandem]
#                            [--work=DIR] [key=value ...]
#
# A date's model is trained on the 30 days that end there and judged on the next one. Once from scratch, with and without fine-tuning on
# the newest day; once warm. A student of each from-scratch model then learns online through the next day: its progressive AUC stands
# beside the frozen student's on the same rows. Another goes on learning through all the days from the first model on. Then two dates up
# to --poisoned, whose labels are flipped, and one after it; `--poisoned=` leaves that out.
# --work keeps the runs, and goes on where they are; else they are deleted. Overrides go to `tandem daily`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tandem=$root/build/tandem
data= begin=2000-12-02 end=2000-12-30 poisoned=2000-12-07 work=
overrides=()

fail() {
  echo "movielens_daily.sh: $1" >&2
  exit 2
}

for argument in "$@"; do
  case $argument in
    --data=*) data=${argument#*=} ;;
    --begin=*) begin=${argument#*=} ;;
    --end=*) end=${argument#*=} ;;
    --poisoned=*) poisoned=${argument#*=} ;;
    --tandem=*) tandem=${argument#*=} ;;
    --work=*) work=${argument#*=} ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) fail "$argument: one of --data, --begin, --end, --poisoned, --tandem, --work (see --help)" ;;
    *=*) overrides+=("$argument") ;;
    *) fail "$argument: an override is key=value" ;;
  esac
done
[[ -n $data ]] || fail "--data=DIR, the folder that tools/prepare_movielens.py wrote, is missing"
[[ -f $data/$begin.tsv.gz ]] || fail "--data=$data holds no $begin.tsv.gz"
[[ -x $tandem ]] || fail "--tandem=$tandem is no program; build it first"
if [[ -z $work ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
data=$(realpath "$data")

# Runs a command and shows its log only if it fails.
quietly() {
  "$@" >/dev/null 2>"$work/log" || {
    local code=$?
    cat "$work/log" >&2
    exit "$code"
  }
}
next() { date -u -d "$1 + ${2:-1} day" +%F; }
# routine RUN DATA END ARGUMENTS...
routine() {
  quietly "$tandem" daily --config="$root/configs/movielens.pbtxt" --run_dir="$1" --begin_date="${first:-$begin}" --end_date="$3" --resume \
    data.path="$2/{date}.tsv.gz" daily.gate.min_rows=500 "${@:4}" ${overrides[@]+"${overrides[@]}"}
}
# learn BASE RUN FILE: progressive metrics of all its rows
learn() {
  quietly "$tandem" online --init_from="$1" --run_dir="$2" --input="$3" --config="$root/configs/online/movielens.pbtxt" \
    online.window_rows=10000000 online.guard_limit=0 online.checkpoint_rows=0 online.checkpoint_seconds=0 --resume
}

began=$SECONDS
for ((date = 0; ; ++date)); do
  day=$(next "$begin" $date)
  [[ ! $day > $end ]] || break
  routine "$work/scratch" "$data" "$day" daily.finetune=true
  [[ -d $work/scratch/days/$day ]] || continue
  if [[ ! -f $work/online-$day.json ]]; then
    learn "$work/scratch/days/$day/checkpoint" "$work/online-$day" "$data/$(next "$day").tsv.gz"
    grep '"window"' "$work/online-$day/metrics.jsonl" | tail -1 >"$work/online-$day.json"
    rm -r "$work/online-$day"
  fi
  [[ -d $work/first ]] || cp -rL "$work/scratch/days/$day/checkpoint" "$work/first"
  echo "$day ($((SECONDS - began)) s)" >&2
done
routine "$work/warm" "$data" "$end" daily.warm=true

# The first model through all the days: frozen, and learning, each day from where the day before ended.
last=$(next "$end")
before=$work/first
for ((date = 1; ; ++date)); do
  day=$(next "$begin" $date)
  [[ ! $day > $last ]] || break
  [[ -f $data/$day.tsv.gz ]] || continue
  learn "$before" "$work/through-$day" "$data/$day.tsv.gz"
  quietly "$tandem" evaluate --model="$work/first" --input="$data/$day.tsv.gz" --output="$work/frozen-$day.json"
  grep '"window"' "$work/through-$day/metrics.jsonl" | tail -1 >"$work/through-$day.json"
  before=$work/through-$day
done

if [[ -n $poisoned ]]; then
  mkdir -p "$work/poisoned-data"
  ln -sf "$data"/*.gz "$work/poisoned-data/"
  rm "$work/poisoned-data/$poisoned.tsv.gz"
  zcat "$data/$poisoned.tsv.gz" | awk -F'\t' -v OFS='\t' 'NR > 1 {$1 = 1 - $1} {print}' | gzip -c >"$work/poisoned-data/$poisoned.tsv.gz"
  first=$(next "$poisoned" -2) routine "$work/poisoned" "$work/poisoned-data" "$(next "$poisoned")" daily.finetune=true
fi

python3 - "$work" <<'PYTHON'
import glob
import json
import os
import re
import sys

work = sys.argv[1]


def days(run):
    with open(f"{work}/{run}/days.jsonl", encoding="utf-8") as file:
        return {day["date"]: day for day in map(json.loads, file) if "student" in day}


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def row(title, results):
    rows = sum(n for n, _ in results)
    mean = lambda metric: sum(r[metric] for _, r in results) / len(results)
    pooled = lambda metric: sum(n * r[metric] for n, r in results) / rows
    return (f"| {title} | {mean('auc'):.4f} | {pooled('auc'):.4f} | {mean('logloss'):.4f} | {pooled('logloss'):.4f} | "
            f"{mean('copc'):.3f} |")


scratch, warm = days("scratch"), days("warm")
dates = sorted(set(scratch) & set(warm))
result = lambda run, key: [(run[d]["judged_rows"], run[d][key]) for d in dates]
print(f"{len(dates)} dates, {dates[0]}..{dates[-1]}, each judged on the next day: {sum(scratch[d]['judged_rows'] for d in dates):,} rows.\n")
print("| model of a date | AUC, mean of days | AUC, by rows | log loss, mean of days | log loss, by rows | COPC |")
print("|---|---|---|---|---|---|")
print(row("teacher, from scratch, fine-tuned", result(scratch, "teacher")))
print(row("student, from scratch", result(scratch, "without_finetune")))
print(row("student, from scratch, fine-tuned", result(scratch, "student")))
online = [(scratch[d]["judged_rows"], read(f"{work}/online-{d}.json")["window"]) for d in dates]
print(row("the same, learning online through the day", online))
print(row("teacher, warm", result(warm, "teacher")))
print(row("student, warm", result(warm, "student")))
for name, run in (("scratch", scratch), ("warm", warm)):
    held = [d for d in dates if not run[d]["published"]]
    print(f"\nHeld by the gate, {name}: {len(held)} of {len(dates)}" + (f" ({', '.join(held)})" if held else ""))

through = sorted(re.search(r"through-(.*)\.json", path).group(1) for path in glob.glob(f"{work}/through-*.json"))
print(f"\nThe student of {dates[0]} through {through[0]}..{through[-1]}:\n")
print("| student | AUC, mean of days | AUC, by rows | log loss, mean of days | log loss, by rows | COPC |\n|---|---|---|---|---|---|")
frozen = [(read(f"{work}/frozen-{d}.json")["rows"], read(f"{work}/frozen-{d}.json")["student"]) for d in through]
print(row("frozen", frozen))
print(row("learning online", [(read(f"{work}/through-{d}.json")["window"]["rows"], read(f"{work}/through-{d}.json")["window"]) for d in through]))
if os.path.exists(f"{work}/poisoned/days.md"):
    print("\nA poisoned day:\n\n" + open(f"{work}/poisoned/days.md", encoding="utf-8").read())
PYTHON
