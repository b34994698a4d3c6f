"""The terms of a query, and BM25 over them.

A token weighs by how near it stands to the cursor: the line it is in counts full, each line further away half of the
one before. What a model wrote counts evenly. BM25 is that of FTS5 (k1 = 1.2, b = 0.75), each term times its weight.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from rung.cascade.retrieval.tokens import tokens

Split = Callable[[str], list[str]]

LINES_BEFORE = 6
LINES_AFTER = 4
FADE = 0.5

_K1 = 1.2
_B = 0.75
_NEAR = 4_000
"""Characters on each side in which the lines are looked for: lines can be long."""


def near_terms(before: str, after: str, split: Split = tokens) -> dict[str, float]:
    """Of the last lines of `before` and the first of `after` that are not blank; token: weight, in (0, 2)."""
    found: dict[str, float] = {}
    _add(found, reversed(before[-_NEAR:].split("\n")), LINES_BEFORE, split)
    _add(found, after[:_NEAR].split("\n"), LINES_AFTER, split)
    return {token: _saturated(weight) for token, weight in found.items()}


def text_terms(text: str) -> dict[str, float]:
    """Of a text that a model wrote."""
    return {token: _saturated(count) for token, count in Counter(tokens(text[:_NEAR])).items()}


def rarity(chunks: int, frequency: int) -> float:
    """How much a token tells that stands in `frequency` of all chunks."""
    return max(math.log((chunks - frequency + 0.5) / (frequency + 0.5)), 1e-6) if frequency <= chunks else 1e-6


def telling(weights: Mapping[str, float], frequencies: Mapping[str, int], postings: int) -> list[str]:
    """The terms with the largest weights that stand in `postings` chunks together at most; always one, if any is there.

    A search takes time by how often its terms stand in the index.
    """
    chosen: list[str] = []
    for token in sorted(weights, key=weights.__getitem__, reverse=True):
        frequency = frequencies.get(token, 0)
        if frequency and (frequency <= postings or not chosen):
            chosen.append(token)
            postings -= frequency
    return chosen


def bm25(weights: Mapping[str, float], counts: Mapping[str, int], length: int, mean: float) -> float:
    """Of one chunk. weights: token: weight in the query times rarity. length and mean: in tokens."""
    rest = _K1 * (1 - _B + _B * length / mean)
    return sum(
        weight * count * (_K1 + 1) / (count + rest) for token, weight in weights.items() if (count := counts.get(token))
    )


def _add(found: dict[str, float], lines: Iterable[str], most: int, split: Split) -> None:
    weight = 1.0
    for line in lines:
        if not line.strip():
            continue
        for token in split(line):
            found[token] = found.get(token, 0.0) + weight
        weight *= FADE
        most -= 1
        if not most:
            return


def _saturated(weight: float) -> float:
    return 2 * weight / (weight + 1)
