"""A file made ready for the index: cut, and what looks like a secret left out."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rung.cascade.privacy.secret_hint import suspicious_lines
from rung.cascade.privacy.secret_text import find_secret
from rung.cascade.retrieval.cutting import cut
from rung.cascade.retrieval.reading import Stamp

_WORD = re.compile(r"\w\w")


@dataclass(frozen=True, slots=True)
class Prepared:
    """path: relative to the project, separated by "/". chunks: (1-based first line, text)."""

    path: str
    stamp: Stamp
    chunks: list[tuple[int, str]]


def prepare(path: str, stamp: Stamp, text: str, known: Collection[str] = ()) -> Prepared:
    """known: chunks that passed once, which are not looked at again."""
    name = path.rpartition("/")[2]
    return Prepared(path, stamp, [(line, piece) for line, piece in cut(text) if piece in known or is_kept(piece, name)])


def is_kept(piece: str, name: str) -> bool:
    """Whether a chunk of the file `name`, without its folder, holds a word and no secret."""
    if _WORD.search(piece) is None:
        return False
    lines = suspicious_lines(piece)
    return not lines or find_secret(lines, name) is None
