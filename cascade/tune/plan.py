"""What a rung can be set to, and which settings of a whole ladder are valid (Chen et al. 2024, section 3.2)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KS = (-1, 0, 1, 3, 5, 10)
LS = (0, 2, 4)
THETAS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True, order=True)
class Option:
    """k: -1 skips the rung, 0 adopts one greedy solution, 1 tests one greedy solution by one greedy test text, more are
    sampled. l: test lines of a text at most, 0 where k <= 0."""

    k: int
    l: int  # noqa: E741  the paper's name

    @property
    def skips(self) -> bool:
        return self.k < 0

    @property
    def tests(self) -> bool:
        return self.k > 0


SKIP = Option(-1, 0)


def options(ks: Sequence[int] = KS, ls: Sequence[int] = LS) -> tuple[Option, ...]:
    """All of one rung: l = 0 if and only if no tests are written."""
    return tuple(Option(k, l) for k in ks for l in (ls if k > 0 else (0,)) if (l > 0) == (k > 0))  # noqa: E741


def plans(rungs: int, of_rung: Sequence[Option]) -> Iterator[tuple[Option, ...]]:
    """The valid settings of a ladder: some rung is used, and after one with k = 0 all are skipped."""
    for plan in itertools.product(of_rung, repeat=rungs):
        if is_valid(plan):
            yield plan


def is_valid(plan: Sequence[Option]) -> bool:
    used = [option for option in plan if not option.skips]
    return bool(used) and all(option.tests for option in used[:-1])


def is_single(plan: Sequence[Option]) -> bool:
    """Whether only one model is used."""
    return sum(not option.skips for option in plan) == 1
