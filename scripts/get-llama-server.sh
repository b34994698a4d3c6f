#!/usr/bin/env bash
# Puts Debian sid's llama-server and llama-bench into DIR without touching the system: llama.cpp-tools
# and its whole closure (libc included) are downloaded by apt and unpacked into DIR/root, and
# the two binaries are pointed at that loader and those libraries. ggml looks for its CPU backends
# beside the executable, so they are linked there, without the one for Sapphire Rapids: it
# uses AMX, which many virtual machines announce and then fault on.
# usage: get-llama-server.sh DIR      prints the path of llama-server; llama-bench lies beside it
set -euo pipefail
dir=$(mkdir -p "${1:?usage: get-llama-server.sh DIR}" && cd "$1" && pwd -P)
apt=$dir/apt root=$dir/root server=$dir/root/usr/bin/llama-server bench=$dir/root/usr/bin/llama-bench
run() { "$server" --version && "$bench" --list-devices; }
if [ -e "$dir/done" ] && run >/dev/null 2>&1; then echo "$server"; exit 0; fi
rm -rf "$apt" "$root" "$dir/done"
mkdir -p "$apt"/{lists,cache/archives}/partial "$root"
: >"$apt/status"        # "nothing is installed", so that the closure is complete
uri=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
: "${uri:?no Debian mirror in /etc/apt/sources.list.d/debian.sources}"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri sid main" >"$apt/sources.list"
get() {
    apt-get -q -y -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Install-Recommends=false "$@" >&2
}
get update
get --download-only install llama.cpp-tools patchelf
for deb in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$deb" "$root"; done
libs=$(dirname "$(ls "$root"/usr/lib/*/libc.so.6)")
ldso=$(ls "$libs"/ld-linux-*.so.*)
patchelf() { "$ldso" --library-path "$libs" "$root/usr/bin/patchelf" --force-rpath --set-rpath "$libs:$libs/llama" "$@"; }
patchelf --set-interpreter "$ldso" "$server" "$bench"
# Their own RUNPATH would win over the binaries'.
patchelf "$libs"/llama/*.so "$(readlink -f "$libs"/libllama-common.so.0)"
rm -f "$libs"/ggml/backends0/*sapphirerapids*
ln -s "$libs"/ggml/backends0/*.so "$root/usr/bin/"
run >&2
rm -rf "$apt"
touch "$dir/done"
echo "$server"
