"""What was measured: a value for each round, for each contestant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Series:
    """quantity: what was measured, such as "decoding, 10 sequences". values: one a round, in the order of the rounds.

    unit: "tokens/s", "s", "ms", "MB", "tokens" or "×".
    """

    quantity: str
    contestant: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)


def find(series: Sequence[Series], quantity: str, contestant: str) -> Series | None:
    return next((one for one in series if one.quantity == quantity and one.contestant == contestant), None)


def ratio(over: Series, under: Series) -> float:
    """The median of the ratios within each round: what slowed the machine in one round slowed both sides of it.

    Raises ValueError where the rounds do not belong together.
    """
    if len(over.values) != len(under.values):
        raise ValueError(f"{over.quantity}: {len(over.values)} rounds against {len(under.values)}")
    return median(one / other for one, other in zip(over.values, under.values, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


class Rounds:
    """Collects values, a round after another."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], list[float]] = {}

    def add(self, quantity: str, contestant: str, unit: str, value: float) -> None:
        self._values.setdefault((quantity, contestant, unit), []).append(value)

    def series(self) -> list[Series]:
        return [Series(*key, tuple(values)) for key, values in self._values.items()]


def turns(contestants: Sequence[T], round_number: int) -> Iterator[T]:
    """A B C, then C B A: a machine that grows slower or faster all the time favours nobody."""
    return iter(contestants) if round_number % 2 == 0 else reversed(contestants)
