"""What the engine was built to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rung.models.bench import decoding, first_token, solutions
from rung.models.bench.children import RAW
from rung.models.bench.own_engine import NAME
from rung.models.bench.series import Series, find, ratio


@dataclass(frozen=True, slots=True)
class Target:
    """measured: None where it was not measured in this run."""

    claim: str
    bound: float
    side: Literal["at least", "at most"]
    unit: str
    measured: float | None

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.side == "at least" else self.measured <= self.bound


def engine_targets(series: Sequence[Series]) -> list[Target]:
    one, ten = decoding.quantity(1), decoding.quantity(10)
    solved = find(series, solutions.RATIO, NAME)
    return [
        Target("one sequence, over raw llama.cpp", 0.97, "at least", "×", _ratio(series, (one, NAME), (one, RAW))),
        Target("10 sequences, over one", 3.0, "at least", "×", _ratio(series, (ten, NAME), (one, NAME))),
        Target(solutions.RATIO, 3.5, "at most", "×", solved.median if solved else None),
        Target(
            "first token after a line near the end changed, over cold",
            0.1,
            "at most",
            "×",
            _ratio(series, (first_token.NEAR_END, NAME), (first_token.COLD, NAME)),
        ),
    ]


def _ratio(series: Sequence[Series], over: tuple[str, str], under: tuple[str, str]) -> float | None:
    above, below = find(series, *over), find(series, *under)
    return ratio(above, below) if above and below else None
