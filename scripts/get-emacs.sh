#!/usr/bin/env bash
# Puts Debian sid's Emacs (30 or later), with lsp-mode and company, into DIR without touching the system.
# usage: get-emacs.sh DIR      prints the path of emacs
set -euo pipefail
. "$(dirname "$0")/debian-sid.sh"
dir=$(mkdir -p "${1:?usage: get-emacs.sh DIR}" && cd "$1" && pwd -P)
emacs=$dir/emacs
if [ -e "$dir/done" ] && "$emacs" --version >/dev/null 2>&1; then echo "$emacs"; exit 0; fi
rm -f "$dir/done"
unpack_sid "$dir" emacs-nox elpa-lsp-mode elpa-company
patch_sid --set-interpreter "$ldso" --force-rpath --set-rpath "$libs" "$root/usr/bin/emacs-nox"
version=$(cd "$root/usr/share/emacs" && ls -d [0-9]*)
share=$root/usr/share/emacs/$version
exec=$(dirname "$root"/usr/libexec/emacs/"$version"/*/*.pdmp)
packages=$(echo "$root"/usr/share/emacs/site-lisp/elpa-src/* | tr ' ' :)
# It knows its folders by their places in the system. Nothing is compiled to machine code: there is no gcc beside it.
cat >"$emacs" <<END
#!/bin/sh
export EMACSLOADPATH="$share/lisp:$packages" EMACSDATA="$share/etc" EMACSDOC="$share/etc" EMACSPATH="$exec"
exec "$root/usr/bin/emacs-nox" --dump-file="$(echo "$exec"/*.pdmp)" "\$@"
END
chmod +x "$emacs"
"$emacs" --batch -Q --eval "(progn (setq native-comp-enable-subr-trampolines nil native-comp-jit-compilation nil)
    (require 'eglot) (require 'lsp-inline-completion) (require 'company) (message \"Emacs %s\" emacs-version))" >&2
touch "$dir/done"
echo "$emacs"
