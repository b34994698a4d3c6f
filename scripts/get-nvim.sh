#!/usr/bin/env bash
# Puts Debian sid's Neovim (0.12 or later) into DIR without touching the system.
# usage: get-nvim.sh DIR      prints the path of nvim
set -euo pipefail
. "$(dirname "$0")/debian-sid.sh"
dir=$(mkdir -p "${1:?usage: get-nvim.sh DIR}" && cd "$1" && pwd -P)
nvim=$dir/root/usr/bin/nvim
if [ -e "$dir/done" ] && "$nvim" --version >/dev/null 2>&1; then echo "$nvim"; exit 0; fi
rm -f "$dir/done"
unpack_sid "$dir" neovim
patch_sid --set-interpreter "$ldso" --force-rpath --set-rpath "$libs" "$nvim"
"$nvim" --clean --headless '+lua assert(vim.fn.has("nvim-0.12") == 1)' +qa >&2
touch "$dir/done"
echo "$nvim"
