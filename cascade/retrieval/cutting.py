"""Cuts a file into chunks: where a paragraph of code ends, in any language.

A definition begins after a blank line and at a smaller indentation than what it follows. Cutting there finds as much as
cutting along a syntax tree; longer chunks find less (docs/retrieval.md has the table).
"""

from __future__ import annotations

from collections.abc import Iterator

FEWEST = 8
MOST = 16
"""Lines of a chunk."""

MAX_CHARACTERS = 2_000
"""Of a chunk with more than one line."""


def cut(text: str, fewest: int = FEWEST, most: int = MOST) -> Iterator[tuple[int, str]]:
    """(1-based first line, text) of each chunk: every line that is not blank is in exactly one.

    Only a line end of "\\n" counts. A chunk has `fewest` lines or more, but where the file or MAX_CHARACTERS ends it.
    """
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        end = _end(lines, start, fewest, most)
        first, last = start, end
        while first < last and not lines[first].strip():
            first += 1
        while last > first and not lines[last - 1].strip():
            last -= 1
        if first < last:
            yield first + 1, "\n".join(lines[first:last])
        start = end


def _end(lines: list[str], start: int, fewest: int, most: int) -> int:
    """The line after the chunk that begins in line `start`, both 0-based."""
    limit = _limit(lines, start, most)
    if limit == len(lines):
        return limit
    lowest = min(start + fewest, limit)
    return max(range(lowest, limit + 1), key=lambda line: (_strength(lines, line), line))


def _limit(lines: list[str], start: int, most: int) -> int:
    characters = 0
    for line in range(start, min(start + most, len(lines))):
        characters += len(lines[line]) + 1
        if characters > MAX_CHARACTERS and line > start:
            return line
    return min(start + most, len(lines))


def _strength(lines: list[str], line: int) -> int:
    """How well a chunk begins at `line`: after a blank line, the less it is indented the better."""
    text = lines[line]
    if lines[line - 1].strip() or not text.strip():
        return -1_000_000
    return len(text.lstrip()) - len(text)
