"""A source tree as the index sees it."""

from __future__ import annotations

from pathlib import Path

from rung.cascade.retrieval.reading import read_source
from rung.cascade.retrieval.walking import walk


def tree_files(root: Path) -> list[tuple[str, str]]:
    """(path, text) of each file with text; what is left out is not said here. root: resolved."""
    read = ((found.path, read_source(root / found.path)) for found in walk(root, (), lambda note: None))
    return [(path, source[1]) for path, source in read if source is not None and source[1]]
