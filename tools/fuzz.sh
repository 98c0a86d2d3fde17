#!/usr/bin/env bash
# Fuzzes what reads bytes that others wrote (tests/fuzz): logs, configurations, models and streams behind their checksums.
#
#   tools/fuzz.sh                                      # a million runs of each target
#   tools/fuzz.sh --runs=10000000                      # as many as the promise in docs/trust.md says
#   tools/fuzz.sh --seconds=120 delimited config       # so long, and of these
#
# Needs clang with libFuzzer (Debian: clang-14 libclang-rt-14-dev). Builds in build-fuzz; what is found there to be new goes to
# build-fuzz/corpora, an input that ends a target to build-fuzz/found: mended, it belongs in tests/fuzz/corpora.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=1000000 seconds=0 targets=()
for argument in "$@"; do
  case $argument in
    --runs=*) runs=${argument#*=} ;;
    --seconds=*) seconds=${argument#*=} runs=-1 ;;
    --*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 1 ;;
    *) targets+=("$argument") ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=(delimited json_lines config checkpoint bundle stream)
compiler=${CXX:-$(command -v clang++-14 || command -v clang++ || true)}
[ -n "$compiler" ] || { echo "fuzz.sh: no clang++; apt-get install clang-14 libclang-rt-14-dev" >&2; exit 1; }

cmake -S . -B build-fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DTANDEM_FUZZ=ON -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build build-fuzz --target "${targets[@]/#/fuzz_}"
mkdir -p build-fuzz/found
# An input that is found runs again by itself, so stacks of allocations can wait, and a long quarantine.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=1:malloc_context_size=0}
status=0
for target in "${targets[@]}"; do
  mkdir -p "build-fuzz/corpora/$target"
  echo "== $target"
  # Weighing inputs by rare features takes more than half of the time of a model's runs, which reach tens of thousands of them.
  case $target in checkpoint | bundle | stream) entropic=0 ;; *) entropic=1 ;; esac
  # Models are small here: what takes a gigabyte, or ten seconds, believed a number that it read.
  "build-fuzz/fuzz_$target" -runs="$runs" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
    -entropic=$entropic -print_final_stats=1 -verbosity=1 -artifact_prefix="build-fuzz/found/$target-" "build-fuzz/corpora/$target" "tests/fuzz/corpora/$target" \
    >"build-fuzz/$target.log" 2>&1 || { status=1; tail -n 40 "build-fuzz/$target.log"; }
  grep -E "^stat::number_of_executed_units|^stat::peak_rss_mb|DONE" "build-fuzz/$target.log" || true
done
exit $status
