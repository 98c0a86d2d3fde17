#!/usr/bin/env bash
# The first hour with a table of one's own: init, and what it says to type next, word for word, without an edit.
#
#   tests/end_to_end/first_hour_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
mkdir bin
ln -s "$tandem" bin/tandem
PATH=$work/bin:$PATH

# Quoted cells with delimiters, doubled quotes and line breaks; a text label; blanks among numbers; dates; an id a row; a column that
# was written after the event.
cat >make.py <<'P'
import csv, random, sys
random.seed(int(sys.argv[2]))
out = csv.writer(open(sys.argv[1], "w", newline=""), delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
out.writerow(["order id", "age", "emp.rate", "job", "when", "tags", "remark", "invoice", "bought"])
for i in range(int(sys.argv[3])):
    age = random.randint(18, 80)
    job = random.choice(["cook", "clerk; or so", 'so called "guide"'])
    rate = random.gauss(0, 1)
    tags = random.sample(["red", "blue", "green", "small", "large"], random.randint(1, 3))
    logit = (age - 45) / 12 + (job == "cook") * 2 - 1.5 + rate * (1 if "red" in tags else -1)
    bought = random.random() < 1 / (1 + 2.718281828 ** -logit)
    out.writerow([f"o{random.getrandbits(60)}", age if random.random() < 0.95 else "NA", rate if random.random() < 0.9 else "", job,
                  f"2026-01-{random.randint(5, 18):02d} {random.randint(0, 23):02d}:15:00", "|".join(tags),
                  "two\nlines" if random.random() < 0.1 else "one", "sent" if bought else "", "yes" if bought else "no"])
P
rows=$(is_sanitized && echo 1,000 || echo 4,000)
python3 make.py train.csv 1 ${rows/,/}
python3 make.py test.csv 2 2000

section "init says what it found"
expect_exit 0 init --input=train.csv --output=cfg.pbtxt
expect_out "$rows rows; 9 columns separated by ';', quoted, with a header, UTF-8"
expect_out "Label: bought"
expect_out "Look here: 'invoice' is left out"
expect_out "order id key"
awk 'length($0) > 100' out >wide
[ ! -s wide ] || { cat wide >&2; fail "lines of more than 100 bytes"; }
sed -n '/^Next:/,$s/^  //p' out | sed "s/TEST_FILE/test.csv/; s/--input=FILE/--input=test.csv/" >commands
expect_equal "commands" "$(wc -l <commands)" 4
cp cfg.pbtxt first.pbtxt
expect_exit 0 init --input=train.csv --output=cfg.pbtxt
expect_same cfg.pbtxt first.pbtxt
echo '# my own remark' >>cfg.pbtxt
cp cfg.pbtxt first.pbtxt
expect_exit 2 init --input=train.csv --output=cfg.pbtxt
expect_err "cfg.pbtxt is there already"
expect_err "(force)"
mkdir folder
expect_exit 2 init --input=train.csv --output=folder --force
expect_err "folder is a directory; name a file"
expect_same cfg.pbtxt first.pbtxt
expect_exit 0 init --input=train.csv --output=cfg.pbtxt --force --positive=yes --label=bought --drop='emp.rate' --keep=invoice
grep -q 'name: "invoice"' cfg.pbtxt || fail "invoice was to be kept"
! grep -q 'name: "emp_rate"' cfg.pbtxt || fail "emp.rate was to be dropped"
touch 'emp.rate,age'  # columns are no paths: a file of that name is nobody's business
expect_exit 0 init --input=train.csv --output=cfg.pbtxt --force --drop='emp.rate,age'
! grep -q 'name: "\(emp_rate\|age\)"' cfg.pbtxt || fail "emp.rate and age were to be dropped"
rm 'emp.rate,age'
expect_exit 2 init --input=train.csv --output=other.pbtxt --drop=emp_rate
expect_err "did you mean 'emp.rate'"
expect_absent other.pbtxt
expect_exit 0 init --input=train.csv --output=cfg.pbtxt --force

section "what it says to type next"
while IFS= read -r command; do
  section "$command"
  bash -c "$command" >out 2>err || { cat err >&2; fail "exit $?"; }
done <commands
python3 - <<'P'
import csv
rows = list(csv.reader(open("scores.tsv"), delimiter="\t"))
assert len(rows) == 2001, len(rows)
assert rows[0][0] == "order id", rows[0]
P
expect_exit 0 evaluate --model=run --input=test.csv --format=json --output=run.json
# With a quarter of the rows, as a sanitizer sees them, there is less to learn.
least=$(is_sanitized && echo 0.79 || echo 0.82)
expect_json run.json "d['student']['auc'] > $least"
expect_json run.json "d['teacher']['auc'] > $least"

section "daily files by a column of dates"
expect_exit 0 init --input=train.csv --output=daily.pbtxt --date=when
expect_out "daily_days/{date}.csv, 14 days"
train=$(sed -n '/^Next:/,$s/^  //p' out | head -1)
expect_equal "rows are all there" "$(python3 -c 'import csv, glob
print(sum(len(list(csv.reader(open(f, newline=""), delimiter=";"))) - 1 for f in glob.glob("daily_days/2026-*.csv")))')" ${rows/,/}
bash -c "${train/=run /=daily_run } train.epochs=1" >out 2>err || { cat err >&2; fail "exit $?"; }

section "the log that synth writes"
expect_exit 0 synth --output=logs --days=3 --rows_per_day=$(is_sanitized && echo 300 || echo 1000) --vocabulary=300 --holdout_rows=200
expect_exit 0 init --input='logs/*.tsv.gz' --output=synth.pbtxt --group=user
expect_out "logs/{date}.tsv.gz"
expect_out "holdout.tsv.gz"
for kind in 'tags *id lists' 'interests *weighted ids' 'price *number'; do grep -qE "$kind" out || { cat out >&2; fail "$kind"; }; done
train=$(sed -n '/^Next:/,$s/^  //p' out | head -1)
bash -c "${train/=run /=synth_run } train.epochs=1" >out 2>err || { cat err >&2; fail "exit $?"; }
expect_exit 0 evaluate --model=synth_run --input=logs/holdout.tsv.gz

section "logs without a header, of JSON, and those that aren't read"
tail -n +2 train.csv | sed 's/"yes"$/1/; s/"no"$/0/' >bare.csv
expect_exit 0 init --input=bare.csv --output=bare.pbtxt
expect_out "without a header"
printf '{\n"a": 1\n}\n' >pretty.json
expect_exit 3 init --input=pretty.json --output=none.pbtxt
expect_err "JSON lines"
expect_absent none.pbtxt

echo "first_hour_test: passed"
