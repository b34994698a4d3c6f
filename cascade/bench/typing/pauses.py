"""How long a hand pauses before each key: from recordings, or drawn from published figures."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rung.cascade.bench.typing.keys import KeyKind

# A longer one only makes the run longer: whatever a tool answers, it has answered by then.
LONGEST_S = 3.0

# Dhakal, Feit, Kristensson, Oulasvirta: Observations on Typing from 136 Million Keystrokes, CHI 2018: the mean interval
# between two keys and its standard deviation.
_MEAN_S, _DEVIATION_S = 0.238656, 0.1116
# Salthouse: Perceptual, Cognitive, and Motoric Aspects of Transcription Typing, Psychological Bulletin 99 (3), 1986:
# the first key of a word comes about a fifth later than the others.
_WORD = 1.2
# Nobody's figure, an assumption: what a line shall say is thought of before its first key.
_THOUGHT_S = 1.0


class Hand(Protocol):
    """One who types."""

    def pauses(self, kinds: Sequence[KeyKind], seed: int) -> list[float]:
        """Seconds before each key of a text; the same for the same seed."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one person's recording holds: seconds before keys of each kind, in the order in which they were typed.

    A text takes them in this order, from a place on that the seed decides: slow and quick stretches stay together.
    """

    name: str
    tapes: Mapping[KeyKind, Sequence[float]]

    def pauses(self, kinds: Sequence[KeyKind], seed: int) -> list[float]:
        """See `Hand`. The first key of a line pauses as the first of a word: recordings of prose have no other."""
        draw = random.Random(seed)
        heads = {kind: draw.randrange(len(tape)) for kind, tape in sorted(self.tapes.items()) if tape}
        found = []
        for kind in kinds:
            tape = self._tape(kind)
            head = heads.get(tape, 0)
            found.append(min(self.tapes[tape][head], LONGEST_S))
            heads[tape] = (head + 1) % len(self.tapes[tape])
        return found

    def _tape(self, kind: KeyKind) -> KeyKind:
        wanted = (kind, KeyKind.WORD, KeyKind.WITHIN)
        return next(one for one in wanted if self.tapes.get(one))


@dataclass(frozen=True, slots=True)
class Published:
    """Log-normal, with the mean and the deviation that were published; nobody's recording."""

    def pauses(self, kinds: Sequence[KeyKind], seed: int) -> list[float]:
        """See `Hand`."""
        draw = random.Random(seed)
        return [min(self._pause(kind, draw), LONGEST_S) for kind in kinds]

    def _pause(self, kind: KeyKind, draw: random.Random) -> float:
        spread = math.log1p((_DEVIATION_S / _MEAN_S) ** 2)
        pause = draw.lognormvariate(math.log(_MEAN_S) - spread / 2, math.sqrt(spread))
        if kind in (KeyKind.WORD, KeyKind.LINE):
            pause *= _WORD
        return pause + draw.expovariate(1 / _THOUGHT_S) if kind is KeyKind.LINE else pause
