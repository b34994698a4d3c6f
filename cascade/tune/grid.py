"""Accuracy and cost of every valid setting of a ladder, from what each rung does alone.

Given the problem, rungs do not depend on each other. So a ladder's expected accuracy on a problem is the sum over its
rungs of (the probability that all before climb) × (that this one accepts, and is right), and its expected cost is the
sum of (the probability that all before climb) × (the price of this one's attempt). The last rung is adopted unchecked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.chances import Chances
from rung.cascade.tune.plan import SKIP, Option

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """plans: N settings. accuracy, dollars: N × T × W, weighted means over the problems, for T thresholds."""

    plans: list[tuple[Option, ...]]
    accuracy: Floats
    dollars: Floats


@dataclass(frozen=True, slots=True)
class _Open:
    """Settings of the rungs so far, for those problems that climbed through them all. Arrays: N × T × P."""

    plans: list[tuple[Option, ...]]
    reach: Floats
    right: Floats
    dollars: Floats


def grid(rungs: Sequence[dict[Option, Chances]], weights: Floats) -> Grid:
    """One θ for all rungs. rungs: the chances of each option but SKIP. weights: W × P, each row adds up to 1."""
    thetas, problems = next(iter(rungs[0].values())).climbs.shape
    one = np.ones((1, thetas, problems))
    open_ = _Open([()], one, 0 * one, 0 * one)
    done: list[tuple[list[tuple[Option, ...]], Floats, Floats]] = []
    for index, options in enumerate(rungs):
        left = len(rungs) - index - 1
        for option, chance in options.items():
            done.append(_closed(open_, option, chance, left, weights))
        open_ = _climbed(open_, options)
    plans = [plan for found, _, _ in done for plan in found]
    return Grid(plans, np.concatenate([part for _, part, _ in done]), np.concatenate([part for _, _, part in done]))


def _closed(
    open_: _Open, option: Option, chance: Chances, left: int, weights: Floats
) -> tuple[list[tuple[Option, ...]], Floats, Floats]:
    """With this option as the last rung that is used."""
    plans = [(*plan, option, *(SKIP,) * left) for plan in open_.plans]
    right = (open_.right + open_.reach * chance.right) @ weights.T
    dollars = (open_.dollars + open_.reach * chance.dollars) @ weights.T
    return plans, right, dollars


def _climbed(open_: _Open, options: dict[Option, Chances]) -> _Open:
    """With each option that can be climbed through, and without this rung."""
    testing = [(option, chance) for option, chance in options.items() if option.tests]
    plans = [(*plan, SKIP) for plan in open_.plans]
    reach, right, dollars = [open_.reach], [open_.right], [open_.dollars]
    for option, chance in testing:
        plans += [(*plan, option) for plan in open_.plans]
        reach.append(open_.reach * chance.climbs)
        right.append(open_.right + open_.reach * chance.accepted_right)
        dollars.append(open_.dollars + open_.reach * chance.dollars)
    return _Open(plans, *(np.concatenate(parts) for parts in (reach, right, dollars)))
