"""A piece of a file of the repository."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines. path: relative to the project, with "/". first_line: from 1."""

    path: str
    first_line: int
    text: str
