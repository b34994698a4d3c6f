#!/usr/bin/env bash
# Puts Debian sid's llama-server and llama-bench into DIR without touching the system: llama.cpp-tools
# and its whole closure (libc included) are downloaded by apt and unpacked into DIR/root, and
# the two binaries are pointed at that loader and those libraries. ggml looks for its CPU backends
# beside the executable, so they are linked there, without the one for Sapphire Rapids: it
# uses AMX, which many virtual machines announce and then fault on.
# usage: get-llama-server.sh DIR      prints the path of llama-server; llama-bench lies beside it
set -euo pipefail
. "$(dirname "$0")/debian-sid.sh"
dir=$(mkdir -p "${1:?usage: get-llama-server.sh DIR}" && cd "$1" && pwd -P)
server=$dir/root/usr/bin/llama-server bench=$dir/root/usr/bin/llama-bench
run() { "$server" --version && "$bench" --list-devices; }
if [ -e "$dir/done" ] && run >/dev/null 2>&1; then echo "$server"; exit 0; fi
rm -f "$dir/done"
unpack_sid "$dir" llama.cpp-tools
patchelf() { patch_sid --force-rpath --set-rpath "$libs:$libs/llama" "$@"; }
patchelf --set-interpreter "$ldso" "$server" "$bench"
# Their own RUNPATH would win over the binaries'.
patchelf "$libs"/llama/*.so "$(readlink -f "$libs"/libllama-common.so.0)"
rm -f "$libs"/ggml/backends0/*sapphirerapids*
ln -s "$libs"/ggml/backends0/*.so "$root/usr/bin/"
run >&2
touch "$dir/done"
echo "$server"
