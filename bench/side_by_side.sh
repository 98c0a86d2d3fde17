#!/usr/bin/env bash
# Tandem next to hand-optimised PyTorch, in turns, in one run, both on one and the same core: training and scoring, samples a second.
#
#   bench/side_by_side.sh --peers=DIR [--tandem=build/tandem] [--rows=20480] [--repeats=3] [--work=/tmp/tandem-bench]
#
# DIR holds speed.py and make_criteo_like.py of the peer. Both sides: 39 fields x 16, CIN 128,128 with ReLU and bias, MLP 400-400 PARALLEL,
# linear part, Adam, batch 512. Tandem trains teacher and student (128-64) together, and reads, parses and hashes the file; the peer
# trains or scores the one model named, from memory. Medians of the repeats; the ratio is Tandem over the peer.
set -euo pipefail
cd "$(dirname "$0")/.."
tandem=build/tandem peers="" rows=20480 repeats=3 work=/tmp/tandem-bench
for argument in "$@"; do
  case "$argument" in
    --tandem=*) tandem=${argument#*=} ;;
    --peers=*) peers=${argument#*=} ;;
    --rows=*) rows=${argument#*=} ;;
    --repeats=*) repeats=${argument#*=} ;;
    --work=*) work=${argument#*=} ;;
    *) echo "side_by_side.sh: unknown argument $argument" >&2; exit 2 ;;
  esac
done
[ -f "$peers/speed.py" ] || { echo "side_by_side.sh: --peers=DIR with speed.py is needed" >&2; exit 2; }
mkdir -p "$work"
data=$work/criteo-like-$rows.tsv
[ -f "$data" ] || /usr/bin/python3 "$peers/make_criteo_like.py" --rows="$rows" --seed=7 --out="$data" >/dev/null

cat >"$work/peer.pbtxt" <<CONFIG
embedding { min_count: 1 optimizer { adam { lr: 0.001 } } }
model {
  student { mlp { hidden: 128 hidden: 64 } }
  distill { logit_loss: MSE logit_weight: 1 }
}
train { epochs: 1 batch_size: 512 shuffle_rows: 0 optimizer { adam { lr: 0.001 } } }
CONFIG
cat >"$work/xdeepfm.pbtxt" <<CONFIG
model { teacher { linear: true interaction { cin { layers: 128 layers: 128 activation: RELU bias: true } }
                  mlp { hidden: 400 hidden: 400 } combine: PARALLEL } }
CONFIG
cp configs/teacher/deepfm.pbtxt "$work/deepfm.pbtxt"

median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
peer() { env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE taskset -c 0 /usr/bin/python3 "$peers/speed.py" --data "$data" --threads 1 \
  --batch 512 --reps 1 "$@" 2>/dev/null | sed -n 's/.*median \([0-9]*\) best.*/\1/p' | head -1; }
# Whole-process rows a second of training, the model's and the file's reading included.
ours_train() {
  rm -rf "$work/run-$1"
  local start; start=$(date +%s.%N)
  taskset -c 0 "$tandem" train --config=configs/criteo.pbtxt,"$work/peer.pbtxt","$work/$1.pbtxt" --run_dir="$work/run-$1" \
    "data.path=$data" runtime.threads=1 >/dev/null 2>&1
  awk -v s="$start" -v e="$(date +%s.%N)" -v r="$rows" 'BEGIN {printf "%d\n", r / (e - s)}'
}
ours_score() {
  local start; start=$(date +%s.%N)
  taskset -c 0 "$tandem" predict --model="$work/run-$1" --tower="$2" --input="$data" --output="$work/scores.tsv" \
    runtime.threads=1 >/dev/null 2>&1
  awk -v s="$start" -v e="$(date +%s.%N)" -v r="$rows" 'BEGIN {printf "%d\n", r / (e - s)}'
}

echo "| samples/s, one core | Tandem | PyTorch | ratio |"
echo "|---|---|---|---|"
row() {  # NAME OURS_FUNCTION_AND_ARGUMENTS -- PEER_ARGUMENTS
  local name=$1; shift
  local ours=(); while [ "$1" != -- ]; do ours+=("$1"); shift; done; shift
  local a="" b=""
  for _ in $(seq "$repeats"); do a+="$("${ours[@]}")"$'\n'; b+="$(peer "$@")"$'\n'; done
  a=$(printf %s "$a" | median); b=$(printf %s "$b" | median)
  echo "| $name | $a | $b | $(awk -v a="$a" -v b="$b" 'BEGIN {printf "%.2f", a / b}') |"
}
row "train xDeepFM (Tandem: with its student, from the file)" ours_train xdeepfm -- --model xdeepfm --mode train --rows 3072 --chunk -32
row "train DeepFM (the same)" ours_train deepfm -- --model deepfm --mode train --rows "$rows"
row "score xDeepFM teacher, file to file" ours_score xdeepfm teacher -- --model xdeepfm --mode infer --rows 4096 --chunk -32
row "score student, file to file" ours_score deepfm student -- --model student --mode infer --rows "$rows" --jit
