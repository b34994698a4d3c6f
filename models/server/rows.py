"""Sequences of different lengths, behind each other in one row of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from rung.models.server.key_values import KeyValues


@dataclass(frozen=True, slots=True)
class Segment:
    """tokens: of one sequence, behind those that `kept` has. wanted: of how many of the last the logits are needed.

    may_exit: whether layers may be skipped; for a single token that is being generated.
    """

    kept: KeyValues
    tokens: Sequence[int]
    wanted: int
    may_exit: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Where a segment lies in the row. start: position of its first token in its own sequence."""

    kept: KeyValues
    at: int
    count: int
    start: int


@dataclass(slots=True)
class Rows:
    """The spans of the tokens that are in the pass at this moment, without gaps.

    masks: of attention, by what they hang on.
    """

    spans: list[Span]
    masks: dict[tuple[object, ...], Tensor] = field(default_factory=dict)

    def drop(self, places: set[int]) -> None:
        """Single tokens leave, and the others move up."""
        packed: list[Span] = []
        at = 0
        for span in self.spans:
            if span.at not in places:
                packed.append(Span(span.kept, at, span.count, span.start))
                at += span.count
        self.spans = packed
        self.masks.clear()


def spans(segments: Sequence[Segment]) -> list[Span]:
    """One behind the other."""
    found: list[Span] = []
    at = 0
    for segment in segments:
        found.append(Span(segment.kept, at, len(segment.tokens), len(segment.kept.tokens)))
        at += len(segment.tokens)
    return found
