"""How sure a model is of what it writes."""

from __future__ import annotations

from collections.abc import Sequence

from rung.models.protocol import Token


def mean_probability(tokens: Sequence[Token]) -> float:
    """In [0, 1]; 0 without tokens."""
    return sum(token.probability for token in tokens) / len(tokens) if tokens else 0.0
