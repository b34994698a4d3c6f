"""A search, as the thread for searches does it.

SQLite finds some dozens of chunks by the most telling terms, unweighted; those and the chunks of the open documents are
then ranked by all terms with their weights. That finds as much as weighing every chunk (docs/retrieval.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.fusing import Share, fused
from rung.cascade.retrieval.index import Index, Totals
from rung.cascade.retrieval.overlay import Overlay
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.recent import Recent
from rung.cascade.retrieval.terms import bm25, near_terms, rarity, telling, text_terms
from rung.cascade.retrieval.visible import Visible

CANDIDATES = 24
"""Of each query."""

POSTINGS = 1_200
"""How often the terms that SQLite is asked for stand in the index together: about a microsecond each."""

_Found = tuple[Chunk, tuple[Counter[str], int]]


class Search:
    """Knows the open documents, and how often tokens stand in the index."""

    def __init__(self, overlay: Overlay, recent: Recent, share: Share) -> None:
        self._overlay = overlay
        self._recent = recent
        self._share = share
        self._frequencies: dict[str, int] = {}
        self._totals = Totals(0, 0)
        self._counted: tuple[Index, int] | None = None

    def best(self, index: Index, query: Query, limit: int, allowed: Callable[[str], bool]) -> tuple[Chunk, ...]:
        """The best first. allowed: whether a file may be shown, by its path. Raises sqlite3.Error."""
        self._look_at(index)
        first = self._weighted(index, near_terms(query.before, query.after))
        second = self._weighted(index, text_terms(query.second))
        candidates = list(self._candidates(index, [weights for weights in (first, second) if weights]))
        mean = self._totals.tokens / self._totals.chunks if self._totals.chunks else 1.0
        scores = fused(
            _scores(first, candidates, mean), _scores(second, candidates, mean), query.confidence, self._share
        )
        boosted = [score * self._recent.boost(chunk) for score, (chunk, _) in zip(scores, candidates, strict=True)]
        order = sorted(range(len(candidates)), key=boosted.__getitem__, reverse=True)
        return _chosen([candidates[place][0] for place in order], Visible(query), limit, allowed)

    def _look_at(self, index: Index) -> None:
        """Forget what was counted in an earlier state of the index."""
        state = index, index.version()
        if state != self._counted:
            self._frequencies.clear()
            self._totals = index.totals()
            self._counted = state

    def _weighted(self, index: Index, terms: Mapping[str, float]) -> dict[str, float]:
        """Each token that stands somewhere, with its weight times its rarity."""
        weighted: dict[str, float] = {}
        for token, weight in terms.items():
            frequency = self._frequencies.get(token)
            if frequency is None:
                frequency = self._frequencies[token] = index.frequency(token)
            frequency += self._overlay.frequency(token)
            if frequency:
                weighted[token] = weight * rarity(max(self._totals.chunks, frequency), frequency)
        return weighted

    def _candidates(self, index: Index, queries: Sequence[Mapping[str, float]]) -> Iterator[_Found]:
        """What stands on the disk of an open document is not asked."""
        masked = index.ids(self._overlay.paths)
        found: set[int] = set()
        asked: set[str] = set()
        for weights in queries:
            terms = telling(weights, self._frequencies, POSTINGS)
            asked.update(terms)
            asked.update(token for token in weights if not self._frequencies[token])  # only in open documents
            if terms:
                found.update(index.best(terms, masked, CANDIDATES))
        for chunk, tokens in index.chunks(found):
            yield chunk, (Counter(tokens), len(tokens))
        yield from self._overlay.matching(asked)


def _scores(weights: Mapping[str, float], candidates: Iterable[_Found], mean: float) -> list[float]:
    return [bm25(weights, counts, length, mean) for _, (counts, length) in candidates]


def _chosen(ranked: Iterable[Chunk], visible: Visible, limit: int, allowed: Callable[[str], bool]) -> tuple[Chunk, ...]:
    """Without what the prompt holds anyway, the same text twice, and files that may not be shown."""
    chosen: list[Chunk] = []
    texts: set[str] = set()
    for chunk in ranked:
        if len(chosen) == limit:
            break
        if chunk.text not in texts and not visible.holds(chunk) and allowed(chunk.path):
            texts.add(chunk.text)
            chosen.append(chunk)
    return tuple(chosen)
