#!/usr/bin/env bash
# Puts Debian sid's Helix into DIR without touching the system.
# usage: get-helix.sh DIR      prints the path of hx
set -euo pipefail
. "$(dirname "$0")/debian-sid.sh"
dir=$(mkdir -p "${1:?usage: get-helix.sh DIR}" && cd "$1" && pwd -P)
hx=$dir/root/usr/lib/hx/hx        # beside its runtime folder
if [ -e "$dir/done" ] && "$hx" --version >/dev/null 2>&1; then echo "$hx"; exit 0; fi
rm -f "$dir/done"
unpack_sid "$dir" hx
patch_sid --set-interpreter "$ldso" --force-rpath --set-rpath "$libs" "$hx"
"$hx" --version >&2
touch "$dir/done"
echo "$hx"
