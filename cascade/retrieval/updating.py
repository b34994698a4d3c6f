"""Single files in the index, after they were saved, made, moved or deleted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rung.cascade.retrieval.index import Index
from rung.cascade.retrieval.preparing import Prepared, prepare
from rung.cascade.retrieval.reading import MAX_BYTES, read_source
from rung.cascade.retrieval.showing import may_be_shown


def update(index: Index, root: Path, never_send: tuple[str, ...], paths: Iterable[str]) -> None:
    """paths: relative to `root`, which is resolved. Raises sqlite3.Error."""
    put: list[Prepared] = []
    seen: list[Prepared] = []
    gone: list[str] = []
    for path in paths:
        read = read_source(root / path) if may_be_shown(root, never_send, path) else None
        if read is None or read[0].size > MAX_BYTES:
            gone += [path, *index.below(path)]
            continue
        stamp, text = read
        known = index.stamp(path)
        if known is not None and known.hash == stamp.hash:
            seen.append(Prepared(path, stamp, []))
        else:
            put.append(prepare(path, stamp, text, index.texts(path)))
    index.change(put, seen, gone)
