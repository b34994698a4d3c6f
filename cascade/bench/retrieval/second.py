"""What the second query is worth: the first search alone, beside both with different shares of the second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.bench.retrieval.holes import VISIBLE, Hole
from rung.cascade.bench.retrieval.quality import LIMIT, Quality, quality
from rung.cascade.retrieval.documents import Change
from rung.cascade.retrieval.fusing import Share
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.recent import BOOSTS
from rung.cascade.retrieval.search_thread import SearchThread

SHARES = (Share(0, 0), Share(0, 0.3), Share(0.15, 0.45), Share(0.3, 0.6), Share(0.6, 0.6), Share(0.6, 0.9), Share(1, 1))


@dataclass(frozen=True, slots=True)
class Written:
    """What a small model wrote into a hole. confidence: its score, in [0, 1]."""

    hole: Hole
    text: str
    confidence: float

    @property
    def is_right(self) -> bool:
        return self.text.strip() == self.hole.line.strip()


def with_second(root: Path, index: Path, written: Sequence[Written]) -> Iterator[Quality]:
    """Only of texts that were wrong: a right one is accepted, and nothing is asked a second time."""
    wrong = [each for each in written if not each.is_right]
    for share in SHARES:
        searching = SearchThread(root, (), index, BOOSTS, share)
        found = []
        for each in wrong:
            hole = each.hole
            searching.changed([Change(hole.path, "", None)])
            query = Query(hole.before, hole.after, hole.path, VISIBLE, each.text, each.confidence)
            found.append((hole, searching.search(query, LIMIT)))
            searching.changed([Change(hole.path, None, None)])
        searching.index.close()
        yield quality(f"λ from {share.least} to {share.most}, {len(wrong)} wrong texts", found)
