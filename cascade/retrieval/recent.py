"""Which files the user has at hand: what is open and what was edited last counts more."""

from __future__ import annotations

from dataclasses import dataclass

from rung.cascade.chunk import Chunk


@dataclass(frozen=True, slots=True)
class Boosts:
    """Factors of a chunk's score: its file is open; was edited; the edit was in or beside the chunk."""

    opened: float
    edited: float
    near: float


BOOSTS = Boosts(opened=1.05, edited=1.1, near=1.15)
"""Small: more of it finds less, on real commits (docs/retrieval.md)."""


FILES = 8
"""Edited last."""

NEAR_LINES = 3


class Recent:
    """Paths are relative to the project, lines 1-based."""

    def __init__(self, boosts: Boosts) -> None:
        self._boosts = boosts
        self._open: set[str] = set()
        self._edited: dict[str, int] = {}

    def opened(self, path: str) -> None:
        self._open.add(path)

    def closed(self, path: str) -> None:
        self._open.discard(path)

    def edited(self, path: str, line: int) -> None:
        self._edited.pop(path, None)  # the last one comes last
        self._edited[path] = line
        if len(self._edited) > FILES:
            del self._edited[next(iter(self._edited))]

    def boost(self, chunk: Chunk) -> float:
        line = self._edited.get(chunk.path)
        if line is None:
            return self._boosts.opened if chunk.path in self._open else 1.0
        last = chunk.first_line + chunk.text.count("\n")
        is_near = chunk.first_line - NEAR_LINES <= line <= last + NEAR_LINES
        return self._boosts.near if is_near else self._boosts.edited
