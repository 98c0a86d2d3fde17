#!/usr/bin/env bash
# The binary has what makes a fault harder to use. (Not with sanitizers, which bring their own.)
#
#   tests/end_to_end/hardening_test.sh TANDEM_BINARY SOURCE_DIR
set -euo pipefail
source "$(dirname "$0")/checks.sh"
begin "$@"
command -v readelf >/dev/null || exit 77
! is_sanitized || exit 77

section "no fixed place: a position-independent executable"
readelf -hW "$tandem" | grep -c "DYN (Position-Independent Executable" >/dev/null || fail "no PIE"

section "addresses of functions are found at the start, and can't be written afterwards"
readelf -lW "$tandem" | grep -c "GNU_RELRO" >/dev/null || fail "no RELRO"
readelf -dW "$tandem" | grep -Ec "BIND_NOW|FLAGS_1.*NOW" >/dev/null || fail "RELRO is not full"

section "no memory that is written and executed"
readelf -lW "$tandem" | grep "GNU_STACK" | grep -vc "RWE" >/dev/null || fail "an executable stack"
! readelf -lW "$tandem" | grep "LOAD" | grep -c "RWE" >/dev/null || fail "a segment to write and execute"

# Libraries that are linked into the binary may bring both: asked are the program's own functions.
section "arrays on the stack are guarded, and copies are held against what they are made to"
command -v objdump >/dev/null || exit 77
objdump -d --no-show-raw-insn "$tandem" | awk '
  /^[0-9a-f]+ <.*>:$/ {ours = $2 ~ /N6tandem|NK6tandem|^<main>/; name = $2}
  ours && /call.*<__stack_chk_fail/ {guarded[name] = 1}
  ours && /(call|jmp).*<__[a-z]+_chk[@>]/ {checked[name] = 1}
  END {print length(guarded), length(checked)}' >counts
read -r guarded checked <counts
echo "$guarded functions with a guard, $checked with a checked copy"
[ "$guarded" -ge 500 ] || fail "-fstack-protector-strong guards only $guarded functions"
[ "$checked" -ge 1 ] || fail "_FORTIFY_SOURCE checks no copy"
