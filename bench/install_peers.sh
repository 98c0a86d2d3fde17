#!/usr/bin/env bash
# Installs what Tandem is measured against on Debian 12; none of it is needed to build, test or run Tandem.
#
#   bench/install_peers.sh /opt/tandem-peers
#
# Packages: PyTorch with OpenBLAS (on the reference BLAS, which comes first without it, it is thirty times slower) and what the
# peer's scripts read logs with, and oneDNN. Into the folder, outside the tree: ONNX Runtime's shared library out of npm's
# onnxruntime-node (npm comes with Node.js). Prints the library's path, for --onnxruntime.
set -euo pipefail
folder=${1:?install_peers.sh: the folder for ONNX Runtime is missing, e.g. /opt/tandem-peers}
version=1.30.0
packages=(python3-torch libopenblas0-pthread python3-pandas python3-sklearn libdnnl-dev)
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "install_peers.sh: run as root, or install sudo" >&2; exit 1; }
  sudo=sudo
fi
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
command -v npm >/dev/null || { echo "install_peers.sh: no npm, so no ONNX Runtime" >&2; exit 1; }
mkdir -p "$folder"
# Its install script would fetch GPU libraries.
npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts "onnxruntime-node@$version" >/dev/null
case "$(uname -m)" in
  x86_64) architecture=x64 ;;
  aarch64) architecture=arm64 ;;
  *) echo "install_peers.sh: onnxruntime-node has no library for $(uname -m)" >&2; exit 1 ;;
esac
ln -sfn "node_modules/onnxruntime-node/bin/napi-v6/linux/$architecture/libonnxruntime.so.1" "$folder/libonnxruntime.so.1"
echo "$folder/libonnxruntime.so.1"
