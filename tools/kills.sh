#!/usr/bin/env bash
# Kills runs at so many moments (kill -9), and compares what the resumed ones end with: checkpoints, quarantines, logs, pages, scores, and what else lies
# in their directories. A third each of training, the daily cycle and a stream. The scripts are those of CI, with other moments.
#
#   tools/kills.sh --kills=1000 [--seed=1] build/tandem
set -euo pipefail
kills=1000 seed=1 tandem=
for argument in "$@"; do
  case $argument in
    --kills=*) kills=${argument#*=} ;;
    --seed=*) seed=${argument#*=} ;;
    --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "kills.sh: unknown option $argument; there are --kills, --seed" >&2; exit 2 ;;
    *) tandem=$(realpath -e "$argument") ;;
  esac
done
[ -n "$tandem" ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
cd "$(dirname "$0")/.."
each=$(((kills + 2) / 3)) log=$(mktemp)
trap 'rm -f "$log"' EXIT
# quietly WHAT COMMAND...
quietly() {
  "${@:2}" >"$log" 2>&1 || { tail -n 40 "$log"; echo "kills.sh: $1 didn't end with the same" >&2; exit 1; }
  echo "$1: the same"
}
for ((done = 0; done < each; done += 30)); do
  quietly "training, 30 kills, seed $seed" bash tests/end_to_end/kill_test.sh "$tandem" "$PWD" $seed
  seed=$((seed + 1))
done
# Many kills of one run would be many in its first steps.
for ((done = 0; done < each; done += 20)); do
  quietly "daily, 20 kills, seed $seed" bash tests/end_to_end/daily_test.sh "$tandem" "$PWD" 20 $seed
  quietly "online, 20 kills, seed $seed" bash tests/end_to_end/online_test.sh "$tandem" "$PWD" 20 $seed
  seed=$((seed + 1))
done
