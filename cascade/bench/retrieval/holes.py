"""Places in real files at which a line is missing that needs something from elsewhere."""

from __future__ import annotations

import keyword
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rung.cascade.chunk import Chunk

VISIBLE = (3_000, 1_000)
"""Characters before and after that a prompt holds anyway."""

CHARACTERS_OF_A_TOKEN = 3.2
"""Of Python source, roughly what the tokenizers of code models make of it."""

_NAME = re.compile(r"[^\W\d]\w+")
_LIKELY_CODE = re.compile(r"[=(\[.]")
_TRIES = 50
"""For each hole that is wanted; most lines name nothing that is new."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A line of the file `path` is missing between `before` and `after`. wanted: its names that are not visible."""

    path: str
    before: str
    after: str
    line: str
    wanted: frozenset[str]


def holes(files: Sequence[tuple[str, str]], number: int, seed: int = 1) -> list[Hole]:
    """At most `number` from Python files, given as (path, text); each file is as likely as any other."""
    source = random.Random(seed)
    python = [(path, text.split("\n")) for path, text in files if path.endswith(".py") and text.count("\n") >= 20]
    found: list[Hole] = []
    for _ in range(number * _TRIES if python else 0):
        path, lines = source.choice(python)
        hole = hole_at(path, lines, source.randrange(5, len(lines)))
        if hole.wanted:
            found.append(hole)
            if len(found) == number:
                break
    return found


def found_share(pairs: Iterable[tuple[Hole, Sequence[Chunk]]], tokens: int) -> float:
    """Which share of all wanted names stands in the first `tokens` tokens of what was found for each hole."""
    hits = wanted = 0
    for hole, chunks in pairs:
        hits += len(hole.wanted & _names(_first_lines(chunks, int(tokens * CHARACTERS_OF_A_TOKEN))))
        wanted += len(hole.wanted)
    return hits / wanted if wanted else 0.0


def hole_at(path: str, lines: list[str], at: int) -> Hole:
    before, after = "\n".join(lines[:at]) + "\n", "\n" + "\n".join(lines[at + 1 :])
    wanted: set[str] = set()
    if _is_code(lines[at]):
        visible = before[-VISIBLE[0] :] + after[: VISIBLE[1]]
        wanted = _names(lines[at]) - _names(visible) - set(keyword.kwlist)
    return Hole(path, before, after, lines[at], frozenset(wanted))


def _is_code(line: str) -> bool:
    """No import, comment or sentence."""
    text = line.strip()
    return not text.startswith(("import ", "from ", "#", '"', "'")) and _LIKELY_CODE.search(text) is not None


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _first_lines(chunks: Sequence[Chunk], characters: int) -> str:
    """Whole lines only."""
    taken: list[str] = []
    for chunk in chunks:
        for line in chunk.text.split("\n"):
            characters -= len(line) + 1
            if characters < 0:
                return "\n".join(taken)
            taken.append(line)
    return "\n".join(taken)
