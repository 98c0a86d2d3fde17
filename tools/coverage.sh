#!/usr/bin/env bash
# Lines and branches of src/ that the tests run: one figure each, and the files that lack the most.
#
#   tools/coverage.sh                    # unit tests
#   tools/coverage.sh --end_to_end       # the scripts of tests/end_to_end as well
#
# Builds in build-coverage with gcc's counters, without optimisation; needs python3 and gcov, which comes with gcc. Branches are those of the
# source: what the compiler adds for exceptions is left out.
set -euo pipefail
case ${1:-} in
  "" | --end_to_end) ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 2 ;;
esac
cd "$(dirname "$0")/.."
cmake -S . -B build-coverage -G Ninja -DCMAKE_BUILD_TYPE=Release -DTANDEM_TESTS_TOGETHER=ON -DCMAKE_CXX_COMPILER_LAUNCHER= \
  -DCMAKE_CXX_FLAGS="--coverage -O0 -fprofile-update=atomic" >/dev/null
cmake --build build-coverage --target tandem_tests tandem_cli
find build-coverage -name '*.gcda' -delete
if [ "${1:-}" = --end_to_end ]; then
  ctest --test-dir build-coverage -j "$(nproc)" --output-on-failure >build-coverage/tests.log || tail -n 20 build-coverage/tests.log
else
  (build-coverage/tests_together && build-coverage/tests_that_count_allocations) >build-coverage/tests.log 2>&1 || tail -n 20 build-coverage/tests.log
fi
python3 tools/coverage.py build-coverage
