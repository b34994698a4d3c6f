"""Deciding on a self-test before it is complete.

While solutions and test lines are still being generated and run, bounds of the scores they can reach tell when the
outcome is certain: no solution can reach θ any more, or one has reached it and none can be better. The score is that
of Chen et al. 2024, section 3.1: n_s * n_t / (k * N_t).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Passed = Callable[[str, str], bool | None]
"""(body, line): whether it passes; None where that is not known yet."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a solution's score, whatever is still to come."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Below:
    """No solution reaches θ. at_most: what the best of them can reach. best: the most promising one that is known."""

    at_most: float
    best: int


@dataclass(frozen=True, slots=True)
class Winner:
    """This solution is adopted whatever comes: at least θ, and none is better, or as good and before it."""

    index: int
    at_least: float


@dataclass(slots=True)
class Board:
    """What is known of a self-test.

    theta: None for the last rung, which is adopted whatever its score. bodies: of the k solutions; None where it is
    still being written, empty where there is nothing to run. lines: the valid, distinct ones so far. coming: how many
    more there can be, at most.
    """

    k: int
    theta: float | None
    passed: Passed
    bodies: list[str | None] = field(init=False)
    lines: list[str] = field(default_factory=list)
    coming: int = 0

    def __post_init__(self) -> None:
        self.bodies = [None] * self.k

    @property
    def settled(self) -> bool:
        """Whether nothing is left to come, and every cell is known."""
        known = all(self.passed(body, line) is not None for body in self.bodies if body for line in self.lines)
        return known and self.coming == 0 and None not in self.bodies

    def rows(self) -> list[list[bool]]:
        """Solutions × test lines, whether each passes, as far as that is known."""
        return [[bool(body) and self.passed(body or "", line) is True for line in self.lines] for body in self.bodies]

    def decision(self) -> Below | Winner | None:
        """None where it is not certain yet. Never Below before there is a body that can be shown if need be."""
        bounds = self.bounds()
        highest = max(bound.high for bound in bounds)
        known = [index for index, body in enumerate(self.bodies) if body]
        complete = None not in self.bodies
        if self.theta is not None and highest < self.theta and (known or complete):
            best = min(known or [0], key=lambda index: (-bounds[index].high, index))
            return Below(highest, best)
        return self._winner(bounds, known)

    def bounds(self) -> list[Bounds]:
        """Of each solution."""
        solves = [self._solves(line) for line in self.lines]
        most_of_new = sum(body != "" for body in self.bodies)
        return [self._bounds(body, solves, most_of_new) for body in self.bodies]

    def _winner(self, bounds: Sequence[Bounds], known: Sequence[int]) -> Winner | None:
        least = self.theta if self.theta is not None else 0.0
        for index in sorted(known, key=lambda each: (-bounds[each].low, each)):
            low = bounds[index].low
            if low >= least and all(
                other == index
                or self.bodies[other] == self.bodies[index]
                or (bounds[other].high, -other) < (low, -index)
                # an empty one never goes before one that can be shown
                or (self.bodies[other] == "" and bounds[other].high <= low)
                for other in range(self.k)
            ):
                return Winner(index, low)
        return None

    def _solves(self, line: str) -> tuple[int, int]:
        """How many solutions pass a line: at least, at most."""
        least = most = 0
        for body in self.bodies:
            passes = False if body == "" else None if body is None else self.passed(body, line)
            least += passes is True
            most += passes is not False
        return least, most

    def _bounds(self, body: str | None, solves: Sequence[tuple[int, int]], most_of_new: int) -> Bounds:
        if body == "":
            return Bounds(0.0, 0.0)
        passes = [None if body is None else self.passed(body, line) for line in self.lines]
        certain = sum(each is True for each in passes)
        possible = sum(each is not False for each in passes)
        agreed = max((low for each, (low, _) in zip(passes, solves, strict=True) if each is True), default=0)
        agreeing = max((high for each, (_, high) in zip(passes, solves, strict=True) if each is not False), default=0)
        low = self._score(certain, agreed, len(self.lines) + self.coming)
        high = self._score(possible, agreeing, len(self.lines))
        if self.coming:
            of_all = self._score(possible + self.coming, max(agreeing, most_of_new), len(self.lines) + self.coming)
            high = max(high, of_all)
        return Bounds(low, high)

    def _score(self, n_s: int, n_t: int, lines: int) -> float:
        return n_s * n_t / (self.k * lines) if lines else 0.0
