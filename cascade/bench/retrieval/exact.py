"""BM25 of every chunk, in memory: what a choice of chunks, tokens or weights is worth, without an index's shortcuts."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.terms import Split, rarity

_K1 = 1.2
_B = 0.75


class Exact:
    """Ranks `chunks` by the tokens that `split` makes of them."""

    def __init__(self, chunks: Iterable[Chunk], split: Split) -> None:
        self._chunks = list(chunks)
        counted = [Counter(split(chunk.text)) for chunk in self._chunks]
        mean = sum(counts.total() for counts in counted) / max(len(counted), 1)
        self._places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, counts in enumerate(counted):
            rest = _K1 * (1 - _B + _B * counts.total() / mean) if mean else 1.0
            for token, count in counts.items():
                self._places[token].append((number, count * (_K1 + 1) / (count + rest)))

    def best(self, weights: Mapping[str, float], without: str, limit: int) -> list[Chunk]:
        """without: a file that is left out, by its path."""
        scores: defaultdict[int, float] = defaultdict(float)
        for token, weight in weights.items():
            places = self._places.get(token, ())
            rare = weight * rarity(len(self._chunks), len(places)) if places else 0.0
            for number, value in places:
                scores[number] += rare * value
        others = ((score, -number) for number, score in scores.items() if self._chunks[number].path != without)
        return [self._chunks[-number] for _, number in heapq.nlargest(limit, others)]
