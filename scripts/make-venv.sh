#!/bin/sh
# make-venv.sh FOLDER: a virtual environment there, with a CPython of 3.11 or later and pip. Set PYTHON to choose one.
# What `python3` means to the user comes first. Each candidate is run: a version manager's stub is a file that may not.
set -eu
folder=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")' >/dev/null 2>&1
}

found=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if new_enough "$candidate"; then
        found=$candidate
        break
    fi
done
if [ -z "$found" ]; then
    echo "rung needs CPython 3.11 or later; ${PYTHON:-python3 and python3.11 to python3.14} is older, not CPython or not" \
        "there. Install one and run make again, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$found has no venv module (Debian and Ubuntu: apt-get install python3-venv). Install it, then run make again." >&2
    exit 1
fi
echo "Creating $folder with $("$found" --version)."
"$found" -m venv --clear "$folder"
