"""The two queries of iterative retrieval made one order (MCCom).

score(c) = (1 − λ)·S₁(c)/max S₁ + λ·S₂(c)/max S₂, with λ = least + (most − least)·confidence: S₁ is the BM25 of the text
around the cursor, S₂ that of what the small model wrote, and a text it was surer of counts more. Without a text λ = 0.
The paper's summary names no formula; least and most are measured (docs/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """λ where the confidence is 0 and where it is 1."""

    least: float
    most: float


SHARE = Share(0.3, 0.6)


def fused(first: Sequence[float], second: Sequence[float], confidence: float, share: Share = SHARE) -> list[float]:
    """One score in [0, 1] for each chunk. second: empty where there is none. confidence: in [0, 1]."""
    weight = share.least + (share.most - share.least) * confidence if any(second) else 0.0
    return [
        (1 - weight) * one + weight * two
        for one, two in zip(_normalized(first), _normalized(second or [0.0] * len(first)), strict=True)
    ]


def _normalized(scores: Sequence[float]) -> list[float]:
    most = max(scores, default=0.0)
    return [score / most if most else 0.0 for score in scores]
