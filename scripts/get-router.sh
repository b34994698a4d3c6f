#!/usr/bin/env bash
# Puts Debian sid's nginx and Prometheus into DIR without touching the system: what docs/deployment/ is tried with.
# usage: get-router.sh DIR      prints RUNG_NGINX=… and RUNG_PROMTOOL=…
set -euo pipefail
. "$(dirname "$0")/debian-sid.sh"
dir=$(mkdir -p "${1:?usage: get-router.sh DIR}" && cd "$1" && pwd -P)
nginx=$dir/root/usr/sbin/nginx promtool=$dir/root/usr/bin/promtool
run() { "$nginx" -v && "$promtool" --version; }
if ! { [ -e "$dir/done" ] && run >/dev/null 2>&1; }; then
    rm -f "$dir/done"
    unpack_sid "$dir" nginx prometheus
    patch_sid --set-interpreter "$ldso" --force-rpath --set-rpath "$libs" "$nginx"
    run >&2
    touch "$dir/done"
fi
printf 'export RUNG_NGINX=%q RUNG_PROMTOOL=%q\n' "$nginx" "$promtool"
