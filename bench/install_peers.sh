#!/usr/bin/env bash
# Installs what Tandem is measured beside on Debian 12; none of it is needed to build, test or run Tandem.
#
#   bench/install_peers.sh /opt/tandem-peers             # FOLDER/venv: today's PyTorch, ONNX Runtime, CatBoost, LightGBM, XGBoost
#   bench/install_peers.sh --tables /opt/tandem-peers    # FOLDER/venv-tables as well: pytabkit, DeepCTR-Torch, FuxiCTR
#   bench/install_peers.sh --debian /opt/tandem-peers    # no pip: Debian's PyTorch 1.13 with OpenBLAS, for `side_by_side.py --python=/usr/bin/python3`
#
# Versions are those of bench/peers/requirements*.txt; pip takes them from the index that it is set up with. PyTorch's wheel there brings its
# CUDA libraries, 4 GB that nothing here uses: a pip set up with PyTorch's index of CPU wheels takes those, which match the same version.
# From Debian: what inductor compiles with (g++, Python's headers), oneDNN (bench/mlp_bench). Prints the environment's Python.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=pip
tables=false
while [[ "${1:-}" == --* ]]; do
  case "$1" in
    --debian) kind=debian ;;
    --tables) tables=true ;;
    *) echo "install_peers.sh: unknown option $1; there are --tables and --debian" >&2; exit 1 ;;
  esac
  shift
done
folder=${1:?install_peers.sh: the folder for the peers is missing, e.g. /opt/tandem-peers}

packages=(libdnnl-dev)
if [ "$kind" = debian ]; then
  # On the reference BLAS, which comes first without OpenBLAS, PyTorch is thirty times slower.
  packages+=(python3-torch libopenblas0-pthread python3-pandas python3-sklearn)
else
  packages+=(g++ python3-venv python3-dev)
fi
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "install_peers.sh: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
    sudo=sudo
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if [ "$kind" = debian ]; then
  echo /usr/bin/python3
  exit 0
fi

# An environment that was installed from this very list is left alone.
environment() {
  local venv=$1 list=$2
  if ! cmp -s "$list" "$venv/installed"; then
    /usr/bin/python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --only-binary=:all: -r "$list" || {
      echo "install_peers.sh: pip could not install $list; --debian takes Debian's PyTorch 1.13, a slower peer, instead" >&2
      exit 1
    }
    cp "$list" "$venv/installed"
  fi
  echo "$venv/bin/python"
}
mkdir -p "$folder"
environment "$folder/venv" bench/peers/requirements.txt
if $tables; then
  environment "$folder/venv-tables" bench/peers/requirements-tables.txt
fi
