#!/usr/bin/env bash
# What inputs without measure may take: a file of nothing but NUL, a line without end, files without number, a model that is replaced again and again.
#
#   tests/end_to_end/figures_test.sh TANDEM_BINARY SOURCE_DIR                       # small ones, a second or two
#   TANDEM_FIGURES=all tests/end_to_end/figures_test.sh build/tandem .              # 3 GB, 1 GB, 100,000 files, 1,000 times: minutes
#
# Memory is the process's largest resident size. Sanitizers take memory of their own.
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
! is_sanitized || exit 77
if [ "${TANDEM_FIGURES:-}" = all ]; then
  nul_mb=3000 line_mb=1000 files=100000 switches=1000
else
  nul_mb=60 line_mb=60 files=1000 switches=20
fi

# takes MEGABYTES CODES ARGUMENTS...: the exit code is one of those, and no more memory is taken; says how much it was. Standard input is the command's.
takes() {
  python3 - "$1" "$2" "$tandem" "${@:3}" 3<&0 <<'PYTHON' || fail "tandem ${*:3}"
import os, resource, subprocess, sys
most, codes, command = float(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:]
done = subprocess.run(command, stdin=3, stdout=open("out", "wb"), stderr=open("err", "wb"))
took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{took:.0f} MB, of {most:.0f} that it may take")
if str(done.returncode) not in codes:
    sys.exit(f"exit {done.returncode}: " + open("err").read()[-2000:])
sys.exit(took > most)
PYTHON
}

small=(embedding.dim=4 model.teacher.mlp.hidden=8 model.student.mlp.hidden=4 train.batch_size=64 runtime.threads=2)
expect_exit 0 synth --output=logs --days=2 --rows_per_day=300 --holdout_rows=20 --vocabulary=100 --seed=3
for seed in 1 2; do
  expect_exit 0 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=run$seed 'data.path=logs/{date}.tsv.gz' --end_date=2026-01-02 \
    train.window_days=2 train.seed=$seed "${small[@]}"
done
zcat logs/holdout.tsv.gz >few.tsv
nul() { head -c "${1}000000" /dev/zero; }

section "$nul_mb MB of NUL"
{ cat few.tsv; nul $nul_mb; } | gzip -1 >nul.gz
takes 110 0,3 predict --model=run1 --input=nul.gz --output=scores.tsv runtime.threads=2 </dev/null
takes 165 0,3 train --config="$source_dir/configs/synthetic.pbtxt" --run_dir=never data.path=nul.gz data.max_bad_fraction=1 "${small[@]}" </dev/null
rm -rf nul.gz never

section "a line of $line_mb MB"
{ cat few.tsv; nul $line_mb | tr '\0' x; echo; tail -n +2 few.tsv; } | takes 165 0,3 predict --model=run1 --input=- --output=scores.tsv data.max_bad_fraction=1
expect_equal "rows with a score behind it" "$(awk -F'\t' 'NR > 1 && $NF != ""' scores.tsv | wc -l)" 40

section "$files files"
mkdir many
python3 -c 'import sys
text = open("few.tsv").read()
for i in range(int(sys.argv[1])): open(f"many/{i:06}.tsv", "w").write(text)' "$files"
takes 60 0 predict --model=run1 --input='many/*.tsv' --output=scores.tsv runtime.threads=2 </dev/null
expect_equal "rows" "$(wc -l <scores.tsv)" $((20 * files + 1))
rm -rf many

section "a link that is switched $switches times under readers"
for seed in 1 2; do
  expect_exit 0 export --model=run$seed --output=bundle$seed --accept_poor_model
  expect_exit 0 predict --model=bundle$seed --input=few.tsv --output=of$seed.tsv
done
expect_differ of1.tsv of2.tsv
ln -s bundle1 link
(while [ ! -e stop ]; do
  "$tandem" predict --model=link --input="$(printf 'few.tsv,%.0s' {1..20})" --output=read.tsv 2>read.err || { cp read.err failed; break; }
  # Every file has the scores of one of the two.
  tail -n +2 read.tsv | split -l 20 - part.
  for part in part.*; do
    cmp -s "$part" <(tail -n +2 of1.tsv) || cmp -s "$part" <(tail -n +2 of2.tsv) || echo "scores of neither" >failed
  done
  rm -f part.*
  echo >>reads
done) &
reader=$!
for ((i = 0; i < switches; ++i)); do
  ln -s bundle$((i % 2 + 1)) next
  mv -T next link
  sleep 0.01
done
until [ -s reads ] || [ -e failed ]; do sleep 0.05; done
touch stop
wait $reader
[ ! -e failed ] || fail "under a link that is switched: $(cat failed)"
echo "$(wc -l <reads) readers of 20 files each"
section "passed"
