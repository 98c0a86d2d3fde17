#!/usr/bin/env bash
# The commands of README.md's "Use", word for word, one after another, on a small made-up MovieLens: all of them work.
#
#   tests/end_to_end/readme_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"

ln -s "$source_dir/configs" "$source_dir/tools" .
mkdir bin
ln -s "$tandem" bin/tandem
PATH=$work/bin:$PATH

section "a folder as MovieLens has it"
# 40 users, 60 movies, 60 ratings a day; a user likes the genre of the user's number, and every third movie.
python3 - <<'PYTHON'
import os, random
random.seed(1)
os.mkdir("ml-1m")
genres = ["Action", "Comedy", "Drama", "War"]
with open("ml-1m/users.dat", "w") as out:
    out.writelines(f"{user}::{'FM'[user % 2]}::{[18, 25, 35][user % 3]}::{user % 21}::{10000 + 997 * user}\n" for user in range(1, 41))
with open("ml-1m/movies.dat", "w") as out:
    out.writelines(f"{movie}::Title {movie} ({1940 + movie})::{genres[movie % 4]}\n" for movie in range(1, 61))
first_day = 973123200  # 2000-11-02
with open("ml-1m/ratings.dat", "w") as out:
    for day in range(40):
        pairs = random.sample([(user, movie) for user in range(1, 41) for movie in range(1, 61)], 60)
        for number, (user, movie) in enumerate(pairs):
            likes = (user % 4 == movie % 4) + (movie % 3 == 0)
            stars = random.choice([[1, 2, 3], [3, 4], [4, 5]][likes])
            out.write(f"{user}::{movie}::{stars}::{first_day + 86400 * day + 1200 * number}\n")
PYTHON

section "the commands"
awk '/^## /{use = $0 == "## Use"} use' "$source_dir/README.md" | awk '/^```/{inside = !inside; if (!inside) exit; next} inside' >commands
[ "$(grep -c '^tandem\|^tools/' commands)" -ge 10 ] || { cat commands >&2; fail "README.md: 'Use' doesn't begin with its commands"; }
while IFS= read -r command; do
  [ -n "$command" ] || continue
  section "$command"
  if [[ $command == *--follow* ]]; then
    # It would wait for ever: what is there is learned, published, and the run stopped.
    { zcat movielens/2000-12-0[2-9].tsv.gz | awk 'NR == 1 || $1 != "label"' >clicks.tsv; } 2>/dev/null
    bash -c "exec ${command%%#*}" >out 2>err &
    process=$!
    for ((wait = 0; wait < 600; ++wait)); do
      [ ! -L online/published ] || break
      sleep 0.05
    done
    kill -TERM $process
    wait $process && code=0 || code=$?
    [ $code = 143 ] || { cat err >&2; fail "exit $code, expected 143"; }
    continue
  fi
  bash -c "$command" >out 2>err || { cat err >&2; fail "exit $?"; }
done <commands
[ "$(tail -n +2 scores.tsv | wc -l)" = 60 ] || fail "scores.tsv: $(wc -l <scores.tsv) lines"
for made in run tuned bundle small daily online compared; do [ -d $made ] || fail "no command wrote $made"; done

section "the configurations of other teachers"
for teacher in configs/teacher/*.pbtxt; do
  case $teacher in */bst.pbtxt | */gbdt_fm_dnn.pbtxt) continue ;; esac # other columns
  expect_exit 0 train --config=configs/movielens.pbtxt,"$teacher" --run_dir="run-$(basename "$teacher")" --end_date=2000-11-03 train.window_days=2
done

section "passed"
