#!/usr/bin/env bash
# Installs what is missing, builds the release, runs all tests. Arguments go to ctest.
#
#   tools/test.sh                 # everything; ends with ctest's summary
#   tools/test.sh -R synthetic    # some
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install_deps.sh
# Tests in one binary: it builds in half the time.
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTANDEM_TESTS_TOGETHER=ON
cmake --build build
ctest --test-dir build --output-on-failure -j "$(nproc)" "$@"
