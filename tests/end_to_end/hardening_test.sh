#!/usr/bin/env bash
# The binary has what makes a fault harder to use. (Not with sanitizers, which bring their own.)
#
#   tests/end_to_end/hardening_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
command -v readelf >/dev/null || exit 77
! readelf -sW "$tandem" | grep -q "__asan_init\|__tsan_init" || exit 77

section "no fixed place: a position-independent executable"
readelf -hW "$tandem" | grep -q "DYN (Position-Independent Executable" || fail "no PIE"

section "addresses of functions are found at the start, and can't be written afterwards"
readelf -lW "$tandem" | grep -q "GNU_RELRO" || fail "no RELRO"
readelf -dW "$tandem" | grep -qE "BIND_NOW|FLAGS_1.*NOW" || fail "RELRO is not full"

section "no memory that is written and executed"
readelf -lW "$tandem" | grep "GNU_STACK" | grep -qv "RWE" || fail "an executable stack"
! readelf -lW "$tandem" | grep "LOAD" | grep -q "RWE" || fail "a segment to write and execute"
