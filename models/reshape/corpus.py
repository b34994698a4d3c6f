"""The files of a corpus of code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rung.models.reshape.errors import ReshapeFailed

MAX_FILE_BYTES = 1 << 20

_SUFFIXES = frozenset(
    """
    .bash .c .cc .clj .cmake .cpp .cs .css .cts .cu .cxx .dart .elm .erl .ex .exs .fs .go .gradle .groovy .h .hh .hpp
    .hs .html .ipynb .java .jl .js .json .jsx .kt .kts .less .lua .m .md .mjs .ml .mm .mts .nim .php .pl .pm .proto
    .ps1 .py .pyi .pyx .r .rb .rs .rst .scala .scss .sh .sql .svelte .swift .tex .tf .toml .ts .tsx .v .vim .vue .xml
    .yaml .yml .zig .zsh
    """.split()  # noqa: SIM905
)
_NAMES = frozenset({"Dockerfile", "Makefile", "CMakeLists.txt"})
_NOT_WRITTEN_HERE = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages", "venv"})


def source_files(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named, and the source files below folders; each once.

    Below a folder, hidden folders and installed packages are left out, as are files over 1 MiB (data, or generated).
    Raises ReshapeFailed where a path cannot be read, or there is no file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            files = _below(path) if path.is_dir() else [path]
            for file in files:
                with file.open("rb"):
                    found[file.resolve()] = None
        except (OSError, ValueError) as error:  # a null character
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ReshapeFailed(f"{path} cannot be read ({reason}): correct the path of the corpus.") from error
    if not found:
        raise ReshapeFailed(f"There is no source file in {', '.join(map(str, paths))}: name files or folders of code.")
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _NOT_WRITTEN_HERE)
        for name in sorted(files):
            path = Path(at, name)
            if (path.suffix.lower() in _SUFFIXES or name in _NAMES) and _readable(path):
                yield path


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK) and path.stat().st_size <= MAX_FILE_BYTES
    except OSError:  # it went meanwhile
        return False
