# Sourced by the end-to-end tests: a folder of their own, and checks that say what differs.
#
#   source "$(dirname "$0")/checks.sh"
#   begin "$@"                       # sets tandem (the binary), source_dir, work (removed at the end)
#   expect_exit 3 train ...          # runs `tandem train ...`; its output lands in $work/out and $work/err
#   expect_err "no file for"

begin() {
  tandem=$(realpath "${1:?usage: $0 TANDEM_BINARY SOURCE_DIR}")
  source_dir=$(realpath "${2:?usage: $0 TANDEM_BINARY SOURCE_DIR}")
  # Itself, not a wrapper that takes a second to find it.
  PATH=$(python3 -c 'import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))'):$PATH
  # In memory where there is room: what is tested syncs often, and waits for the disk longer than it works.
  local place=${TMPDIR:-}
  [ -n "$place" ] || [ ! -w /dev/shm ] || [ "$(df -k --output=avail /dev/shm | tail -1)" -lt 4000000 ] || place=/dev/shm
  work=$(mktemp -d -p "${place:-/tmp}")
  trap 'rm -rf "$work"' EXIT
  trap 'echo "FAILED, line $LINENO: $BASH_COMMAND" >&2' ERR
  cd "$work"
}

section() { echo "-- $* (${SECONDS} s)"; }
fail() {
  echo "FAILED, line ${BASH_LINENO[$((${#BASH_LINENO[@]} - 2))]}: $*" >&2
  exit 1
}

# expect_exit CODE COMMAND...: the exit code of `tandem COMMAND...`
expect_exit() {
  local expected=$1 code=0
  shift
  "$tandem" "$@" >"$work/out" 2>"$work/err" || code=$?
  [ $code = "$expected" ] || { cat "$work/err" >&2; fail "tandem $*: exit $code, expected $expected"; }
}
# Whether the program has a sanitizer in it, which takes memory by the terabyte and brings code of its own.
is_sanitized() { grep -aq "__asan_init\|__tsan_init" "$tandem"; }
# last_of_each ARGUMENT...: sets `given` to the arguments, of a key=value or --flag=value that comes again the last one
last_of_each() {
  local -A place=()
  local argument key
  given=()
  for argument in "$@"; do
    key=${argument%%=*}
    if [[ $argument != *=* ]]; then
      given+=("$argument")
    elif [ -n "${place[$key]-}" ]; then
      given[${place[$key]}]=$argument
    else
      place[$key]=${#given[@]}
      given+=("$argument")
    fi
  done
}
# The last command's stderr or stdout holds a text.
expect_err() { grep -qF -- "$1" "$work/err" || { cat "$work/err" >&2; fail "stderr lacks '$1'"; }; }
expect_out() { grep -qF -- "$1" "$work/out" || { cat "$work/out" >&2; fail "stdout lacks '$1'"; }; }
expect_equal() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }
expect_absent() { [ ! -e "$1" ] || fail "$1 is there"; }
expect_same() { cmp "$1" "$2" >&2 || fail "$1 and $2 differ"; }
expect_differ() { ! cmp -s "$1" "$2" || fail "$1 and $2 are the same"; }
expect_same_folder() { diff -r "$1" "$2" >&2 || fail "$1 and $2 differ"; }
# expect_json FILE EXPRESSION: a Python expression of `d`, the file's value, holds
expect_json() {
  python3 -c 'import json, math, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else f"{d}")' "$1" "$2" || fail "$1: not so: $2"
}
# last_checkpoint RUN
last_checkpoint() { find "$1/checkpoints" -name 'step-*' | sort | tail -1; }
# seal FOLDER [FORMAT]: writes the MANIFEST that the files as they are would have
seal() {
  python3 - "$1" "${2:-2}" <<'PYTHON'
import ctypes, os, sys
class Hash(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
xxh3.restype, xxh3.argtypes = Hash, [ctypes.c_char_p, ctypes.c_size_t]
def line(name, data):
    digest = xxh3(data, len(data))
    return f"{name} {len(data)} {digest.high:016x}{digest.low:016x}\n"
folder = sys.argv[1]
names = sorted(name for name in os.listdir(folder) if name != "MANIFEST")
lines = f"format {sys.argv[2]}\n" + "".join(line(name, open(f"{folder}/{name}", "rb").read()) for name in names)
open(f"{folder}/MANIFEST", "w").write(lines + line("MANIFEST", lines.encode()))
PYTHON
}
