"""Which share of the names that a missing line needs is found, by rung's search and by what it was chosen over."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.bench.retrieval.definitions import cut_definitions
from rung.cascade.bench.retrieval.exact import Exact
from rung.cascade.bench.retrieval.holes import VISIBLE, Hole, found_share
from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.cutting import FEWEST, MOST, cut
from rung.cascade.retrieval.documents import Change
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.search_thread import SearchThread
from rung.cascade.retrieval.terms import Split, near_terms
from rung.cascade.retrieval.tokens import tokens, tokens_of_word

LIMIT = 16
"""Chunks that are asked for: more than 500 tokens."""

BUDGETS = (250, 500)
"""Tokens."""

Files = Sequence[tuple[str, str]]
Cut = Callable[[str], Iterable[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Quality:
    """shares: of the names that are wanted, for each of BUDGETS."""

    what: str
    shares: tuple[float, ...]


def as_built(root: Path, index: Path, asked: Sequence[Hole]) -> Quality:
    """rung's search in a finished index. The file of the hole is left out."""
    searching = SearchThread(root, (), index)
    found: list[tuple[Hole, Sequence[Chunk]]] = []
    for hole in asked:
        searching.changed([Change(hole.path, "", None)])
        found.append((hole, searching.search(Query(hole.before, hole.after, hole.path, VISIBLE), LIMIT)))
        searching.changed([Change(hole.path, None, None)])
    searching.index.close()
    return quality("rung's search", found)


def at_random(files: Files, asked: Sequence[Hole]) -> Quality:
    """Any chunks of other files."""
    source = random.Random(1)
    chunks = _chunks(files, cut)
    return quality(
        "random chunks", [(hole, [c for c in source.sample(chunks, LIMIT) if c.path != hole.path]) for hole in asked]
    )


def choices(files: Files, asked: Sequence[Hole]) -> Iterator[Quality]:
    """Each choice that was made in turn made otherwise, every chunk ranked."""
    yield _exact("every chunk ranked", files, asked)
    yield _exact("tokens: between blanks", files, asked, split=str.split)
    yield _exact("tokens: whole identifiers", files, asked, split=_whole)
    yield _exact("tokens: words of identifiers", files, asked, split=_words)
    yield _exact("query: the last 10 lines alike", files, asked, weigh=_alike)
    for size, step in ((10, 10), (20, 20), (20, 10), (40, 40)):
        yield _exact(f"chunks: {size} lines, a new one each {step}", files, asked, cut_=_windows(size, step))
    for fewest, most in ((5, 10), (FEWEST, MOST), (10, 20), (10, 30)):
        yield _exact(f"chunks: {fewest} to {most} lines, by blank lines", files, asked, cut_=_paragraphs(fewest, most))
        yield _exact(f"chunks: {fewest} to {most} lines, by definitions", files, asked, cut_=_definitions(fewest, most))


def _exact(
    what: str,
    files: Files,
    asked: Sequence[Hole],
    cut_: Cut = cut,
    split: Split = tokens,
    weigh: Callable[[str, str, Split], dict[str, float]] = near_terms,
) -> Quality:
    exact = Exact(_chunks(files, cut_), split)
    return quality(
        what, [(hole, exact.best(weigh(hole.before, hole.after, split), hole.path, LIMIT)) for hole in asked]
    )


def quality(what: str, found: Sequence[tuple[Hole, Sequence[Chunk]]]) -> Quality:
    return Quality(what, tuple(found_share(found, budget) for budget in BUDGETS))


def _chunks(files: Files, cut_: Cut) -> list[Chunk]:
    return [Chunk(path, line, text) for path, whole in files for line, text in cut_(whole)]


def _windows(size: int, step: int) -> Cut:
    def windows(text: str) -> Iterator[tuple[int, str]]:
        lines = text.split("\n")
        for start in range(0, max(len(lines) - size + step, 1), step):
            yield start + 1, "\n".join(lines[start : start + size])

    return windows


def _paragraphs(fewest: int, most: int) -> Cut:
    return lambda text: cut(text, fewest, most)


def _definitions(fewest: int, most: int) -> Cut:
    return lambda text: cut_definitions(text, fewest, most)


def _whole(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"\w\w+", text)]


def _words(text: str) -> list[str]:
    return [part for word in re.findall(r"\w+", text) for part in tokens_of_word(word)[1:] or tokens_of_word(word)]


def _alike(before: str, after: str, split: Split) -> dict[str, float]:
    return dict.fromkeys(split("\n".join([line for line in before.split("\n") if line.strip()][-10:])), 1.0)
