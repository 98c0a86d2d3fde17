#!/usr/bin/env bash
# Installs what building and testing Tandem needs on Debian 12. Root or sudo; does nothing when all is there.
set -euo pipefail
packages=(build-essential cmake ninja-build ccache pkg-config protobuf-compiler libprotobuf-dev libeigen3-dev libabsl-dev
  libgflags-dev libgoogle-glog-dev libgtest-dev libgmock-dev libxxhash-dev libzstd-dev zlib1g-dev nlohmann-json3-dev
  libbenchmark-dev librapidcheck-dev clang-format clang-tidy python3)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "install_deps.sh: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  sudo=sudo
fi
echo "Installing: ${missing[*]}" >&2
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
