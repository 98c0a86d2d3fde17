#!/usr/bin/env bash
# Tables as people have them: quoted CSV, labels in other words, header lines and blank lines among the rows, an absurd number, files
# that aren't text. What can be read gives what the plain log gives, bit for bit; what can't is told.
#
#   tests/end_to_end/tables_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

# log.py FILE: a plain log on standard input becomes FILE, quoted where it must be, or everywhere (ALL=1), with line ends END. POSITIVE and
# NEGATIVE are the labels' texts.
cat >log.py <<'P'
import csv, os, sys
quoting = csv.QUOTE_ALL if os.environ.get("ALL") else csv.QUOTE_MINIMAL
with open(sys.argv[1], "w", newline="") as file:
    writer = csv.writer(file, quoting=quoting, lineterminator=os.environ.get("END", "\n"))
    for i, line in enumerate(sys.stdin):
        cells = line.rstrip("\n").split("\t")
        if i > 0:
            cells[0] = os.environ.get("POSITIVE", "1") if cells[0] == "1" else os.environ.get("NEGATIVE", "0")
        writer.writerow(cells)
P
# rows.py SEED ROWS: a log with ids that hold what CSV must quote.
cat >rows.py <<'P'
import random, sys
draw = random.Random(int(sys.argv[1]))
print("label\tkey\tuser\titem\tprice\ttime")
for i in range(int(sys.argv[2])):
    user, item = draw.randrange(20), draw.randrange(15)
    label = int(draw.random() < 0.15 + 0.5 * ((user * 7 + item * 3) % 5 == 0))
    print(label, f"k{i}", f"Smith, {user}", f'{item}" pipe', round(draw.random() * 100, 2), f"2026-01-0{1 + i % 3} {i % 24:02}:00:00", sep="\t")
P
for day in 1 2 3; do python3 rows.py $day 400 >2026-01-0$day.tsv; done
mkdir tsv csv all words
for day in 1 2 3; do
  cp 2026-01-0$day.tsv tsv/
  python3 log.py csv/2026-01-0$day.csv <tsv/2026-01-0$day.tsv
  ALL=1 END=$'\r\n' python3 log.py all/2026-01-0$day.csv <tsv/2026-01-0$day.tsv
  POSITIVE=yes NEGATIVE=no python3 log.py words/2026-01-0$day.csv <tsv/2026-01-0$day.tsv
done
cat >tsv.pbtxt <<'P'
data { path: "tsv/{date}.tsv" label: "label" key_columns: "user" key_columns: "key" group_column: "user" }
feature { name: "user" sparse {} }
feature { name: "item" sparse {} }
feature { name: "price" dense { transform: LOG1P max_magnitude: 20 } }
feature { name: "hour" column: "time" time {} }
embedding { dim: 4 optimizer { adam { lr: 0.01 } } }
model { teacher { interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 4 } } }
train { window_days: 2 batch_size: 32 shard_rows: 32 optimizer { adam { lr: 0.01 } } }
P
sed 's/path: "tsv.*tsv"/path: "csv\/{date}.csv" delimited { delimiter: "," }/' tsv.pbtxt >csv.pbtxt

# same_weights RUN RUN
same_weights() {
  for file in embedding.bin teacher.bin student.bin; do
    expect_same "$(last_checkpoint "$1")/$file" "$(last_checkpoint "$2")/$file"
  done
}

section "a quoted CSV gives the weights of the plain log"
expect_exit 0 train --config=tsv.pbtxt --run_dir=plain --end_date=2026-01-02
expect_exit 0 train --config=csv.pbtxt --run_dir=run --end_date=2026-01-02 runtime.threads=2
same_weights plain run
expect_exit 0 train --config=csv.pbtxt --run_dir=all_quoted --end_date=2026-01-02 'data.path=all/{date}.csv'
same_weights plain all_quoted
expect_exit 0 train --config=csv.pbtxt --run_dir=words_run --end_date=2026-01-02 'data.path=words/{date}.csv' data.positive=yes data.negative=no
same_weights plain words_run
expect_exit 3 train --config=csv.pbtxt --run_dir=none --end_date=2026-01-02 'data.path=words/{date}.csv'
expect_err "label 'no' is not 0 or 1"

section "predict carries keys so that they read back"
expect_exit 0 predict --model=plain --input=tsv/2026-01-03.tsv --output=plain.out
expect_exit 0 predict --model=run --input=csv/2026-01-03.csv --output=csv.out
python3 - <<'P'
import csv
plain = [line.rstrip("\n").split("\t") for line in open("plain.out")]
quoted = list(csv.reader(open("csv.out", newline=""), delimiter="\t"))
assert plain == quoted, (plain[:2], quoted[:2])
P
expect_exit 0 evaluate --model=run --input=csv/2026-01-03.csv --output=csv.json
expect_exit 0 evaluate --model=plain --input=tsv/2026-01-03.tsv --output=plain.json
expect_same csv.json plain.json

section "the quarantine holds rows as they were, and is read again once they are repaired"
{ head -1 csv/2026-01-02.csv; printf '1,a,"u\n1","i\n""x""",cheap,2026-01-01\n0,b,"open,i,1,2026-01-01\n'; sed 1d csv/2026-01-02.csv; } >bad.csv
expect_exit 0 train --config=csv.pbtxt --run_dir=set_aside data.path=bad.csv
expect_err "bad.csv:2: 'cheap' in 'price' is not a number"
expect_err "bad.csv:5: the quote at the begin of cell 3 isn't closed"
{ head -1 csv/2026-01-02.csv; printf '1,a,"u\n1","i\n""x""",cheap,2026-01-01\n0,b,"open,i,1,2026-01-01\n'; } | cmp - set_aside/quarantine/bad.csv
sed -i 's/cheap/7/; s/"open/open/' set_aside/quarantine/bad.csv
expect_exit 0 predict --model=run --input=set_aside/quarantine/bad.csv --output=repaired.out
expect_equal "scores" "$(grep -cE $'\t0\\.[0-9]+$' repaired.out)" 2

section "online reads the stream that quotes its cells"
sed '1!d' csv/2026-01-03.csv >stream.csv
sed 1d csv/2026-01-03.csv >>stream.csv
expect_exit 0 online --init_from=run --run_dir=online_csv --input=stream.csv
expect_exit 0 online --init_from=plain --run_dir=online_tsv --input=tsv/2026-01-03.tsv
expect_exit 0 predict --model=online_csv --input=csv/2026-01-03.csv --output=online_csv.out --tower=student
expect_exit 0 predict --model=online_tsv --input=tsv/2026-01-03.tsv --output=online_tsv.out --tower=student
expect_equal "scores after the stream" "$(cut -f3 online_csv.out)" "$(cut -f3 online_tsv.out)"

section "a header line among the rows is passed over; one of another order ends the reading"
gzip -kc tsv/2026-01-01.tsv >twice.tsv.gz
{ printf '\xef\xbb\xbf'; cat tsv/2026-01-02.tsv; } | gzip >>twice.tsv.gz
expect_exit 0 predict --model=plain --input=twice.tsv.gz --output=twice.out
expect_err "passed over: repeated header 1"
for day in 1 2; do expect_exit 0 predict --model=plain --input=tsv/2026-01-0$day.tsv --output=day$day.out; done
expect_equal "scores" "$(sed 1d twice.out | grep -v '^user' | cut -f3)" "$(sed -s 1d day1.out day2.out | cut -f3)"
awk -F'\t' -v OFS='\t' '{t = $3; $3 = $4; $4 = t; print}' tsv/2026-01-02.tsv | cat tsv/2026-01-01.tsv - >mixed.tsv
for command in "predict --model=plain --output=mixed.out" "evaluate --model=plain --output=mixed.out" "train --config=tsv.pbtxt --run_dir=mixed data.path=mixed.tsv" \
  "online --init_from=plain --run_dir=mixed_online"; do
  input=--input=mixed.tsv
  [[ $command != train* ]] || input=runtime.threads=1
  expect_exit 3 $command $input
  expect_err "mixed.tsv:402: a header line whose columns aren't those that the rows before it have: column 3 is 'item' where it was 'user'"
done
expect_exit 3 inspect --data --input=mixed.tsv --config=tsv.pbtxt
expect_err "mixed.tsv:402"
columns='data.delimited.column=label,key,user,item,price,time'
expect_exit 0 train --config=tsv.pbtxt --run_dir=headerless --end_date=2026-01-02 data.delimited.header=false $columns
expect_err "passed over: repeated header 1"
same_weights plain headerless
sed 1d tsv/2026-01-03.tsv >bare.tsv
expect_exit 0 evaluate --model=headerless --input=bare.tsv --output=bare.json
expect_same bare.json plain.json
expect_exit 0 predict --model=plain --input=bare.tsv --output=bare.out data.delimited.header=false $columns
expect_same bare.out plain.out
expect_exit 2 predict --model=plain --input=bare.tsv --output=bare.out data.delimited.header=false
expect_err "data.delimited.column: empty; must name the columns"

section "keys are wanted where they are written out"
cut -f1,3- tsv/2026-01-03.tsv >keyless.tsv
expect_exit 0 evaluate --model=plain --input=keyless.tsv --output=keyless.json
expect_same keyless.json plain.json
expect_exit 0 finetune --init_from=plain --run_dir=keyless --input=keyless.tsv
expect_exit 3 predict --model=plain --input=keyless.tsv --output=none.out
expect_err "no column 'key' (data.key_columns)"

section "blank lines are passed over and keep their place"
{ printf '\n'; sed '5s/^/\n/' tsv/2026-01-03.tsv; printf '\r\n\n'; } >blank.tsv
expect_exit 0 predict --model=plain --input=blank.tsv --output=blank.out
expect_err "passed over: blank line 3"
expect_equal "scores" "$(cut -f3 blank.out | grep -v '^$')" "$(cut -f3 plain.out)"
expect_equal "its place" "$(sed -n 5p blank.out)" "$(printf '\t\t')"
expect_exit 0 evaluate --model=plain --input=blank.tsv --output=blank.json
expect_same blank.json plain.json

section "an absurd number is set aside, with file, line and column"
awk -F'\t' -v OFS='\t' 'NR == 6 {$5 = "1e30"} {print}' tsv/2026-01-01.tsv >far.tsv
told="far.tsv:6: '1e30' in 'price' is further from 0 than feature[price].dense.max_magnitude 20, transformed"
expect_exit 0 train --config=tsv.pbtxt --run_dir=far data.path=far.tsv
expect_err "$told"
for command in predict evaluate; do
  expect_exit 0 $command --model=plain --input=far.tsv --output=far.out
  expect_err "$told"
done
expect_exit 0 online --init_from=plain --run_dir=far_online --input=far.tsv
expect_err "$told"
mkdir nights
cp tsv/*.tsv nights/
cp far.tsv nights/2026-01-02.tsv
expect_exit 0 daily --config=tsv.pbtxt --run_dir=daily --begin_date=2026-01-02 --end_date=2026-01-03 'data.path=nights/{date}.tsv' daily.gate.min_auc=0 daily.gate.min_rows=0
expect_err "feature[price].dense.max_magnitude"

section "files that aren't text are named"
python3 - <<'P'
import bz2, lzma, zipfile
text = open("tsv/2026-01-03.tsv", "rb").read()
open("e.bz2", "wb").write(bz2.compress(text))
open("e.xz", "wb").write(lzma.compress(text))
zipfile.ZipFile("e.zip", "w", 8).writestr("a.tsv", text)
open("e.utf16", "wb").write(text.decode().encode("utf-16"))
open("e.parquet", "wb").write(b"PAR1\x15\x04\x15\x10" + bytes(40) + b"PAR1")
P
for kind in "bz2:bzip2-compressed" "xz:xz-compressed" "zip:a zip archive" "utf16:UTF-16 text" "parquet:a Parquet file"; do
  for input in e.${kind%%:*} -; do
    code=0
    "$tandem" predict --model=plain --input=$input --output=none.out <e.${kind%%:*} >out 2>err || code=$?
    expect_equal "exit of ${kind%%:*}" $code 3
    expect_err "is ${kind#*:}"
  done
done
{ printf '\xef\xbb\xbf'; cat tsv.pbtxt; } >bom.pbtxt
expect_exit 0 train --config=bom.pbtxt --run_dir=bom --end_date=2026-01-02
same_weights plain bom
echo "tables are read as people have them"
