"""Where llama.cpp's own programs lie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rung.models.bench.work import ContestantMissing

VARIABLE = "RUNG_LLAMA_SERVER"
_HOW = f"put it on PATH, or the path of llama-server into {VARIABLE} (scripts/get-llama-server.sh fetches both)"


def find_llama_server() -> Path:
    """Raises ContestantMissing."""
    named = os.environ.get(VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise ContestantMissing(f"llama-server is left out: {VARIABLE} names {named}, which is no program.")
        return Path(named)
    return _on_path("llama-server") or _missing("llama-server")


def find_llama_bench() -> Path:
    """The one beside llama-server, else the one on PATH. Raises ContestantMissing."""
    try:
        beside = find_llama_server().with_name("llama-bench")
    except ContestantMissing:
        beside = None
    if beside is not None and os.access(beside, os.X_OK):
        return beside
    return _on_path("llama-bench") or _missing("llama-bench")


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None


def _missing(program: str) -> Path:
    raise ContestantMissing(f"{program} is left out, it is not here: {_HOW}.")
