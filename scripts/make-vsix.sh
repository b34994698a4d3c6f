#!/usr/bin/env bash
# Packages the VS Code extension, with the server's sources in it for its install button.
# usage: make-vsix.sh RUNG      RUNG: the `rung` program, which prints the schema; prints the path of the .vsix
set -euo pipefail
rung=$(realpath "${1:?usage: make-vsix.sh RUNG}")
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "npm is needed to package the extension: install Node.js 20 or later." >&2; exit 1; }
extension=$PWD/editors/vscode
rm -rf "$extension/server" "$extension/schemas"
mkdir -p "$extension/server" "$extension/schemas"
tar -c --exclude=__pycache__ cascade models lsp scripts pyproject.toml setup.py README.md LICENSE | tar -x -C "$extension/server"
"$rung" config schema >"$extension/schemas/rung.schema.json"
cp LICENSE "$extension/"
cd "$extension"
npm ci --ignore-scripts --no-audit --no-fund --silent >&2
npm run --silent build >&2
npm run --silent package >&2
echo "$extension/dist/rung.vsix"
