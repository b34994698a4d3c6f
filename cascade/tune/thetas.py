"""Thresholds finer than one for all: for each rung, and for each (rung, k, l), which the paper leaves to future work.

All of them would be too many settings, so the plans are those that are Pareto points under some global θ.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.chances import Chances
from rung.cascade.tune.grid import Grid
from rung.cascade.tune.pareto import pareto
from rung.cascade.tune.plan import Option

Floats = NDArray[np.float64]
Plan = tuple[Option, ...]
Vector = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """Of one plan, for P problems. vectors: indexes of thresholds, one for each rung that can climb, in order.

    right, dollars: V × P.
    """

    vectors: tuple[Vector, ...]
    right: NDArray[np.float32]
    dollars: NDArray[np.float32]


def candidates(grid: Grid, accuracy: Floats, dollars: Floats) -> list[Plan]:
    """The plans that are Pareto points under some global θ. accuracy, dollars: N × T."""
    found = {int(plan) for theta in range(accuracy.shape[1]) for plan in pareto(dollars[:, theta], accuracy[:, theta])}
    return [grid.plans[plan] for plan in sorted(found)]


def climbing(plan: Plan) -> tuple[int, ...]:
    """The rungs of a plan that have a threshold: those that test, but for the last that is used."""
    used = [index for index, option in enumerate(plan) if not option.skips]
    return tuple(used[:-1])


def tried(plan: Plan, rungs: Sequence[Mapping[Option, Chances]]) -> Tried:
    """Every combination of thresholds of one plan."""
    climbs = climbing(plan)
    thetas = len(next(iter(rungs[0].values())).climbs)
    problems = next(iter(rungs[0].values())).right.shape[0]
    vectors = tuple(itertools.product(range(thetas), repeat=len(climbs)))
    at = np.array(vectors, dtype=np.intp).reshape(len(vectors), len(climbs))
    reach = np.ones((len(vectors), problems))
    right, dollars = np.zeros_like(reach), np.zeros_like(reach)
    for column, rung in enumerate(climbs):
        chance = rungs[rung][plan[rung]]
        right += reach * chance.accepted_right[at[:, column]]
        dollars += reach * chance.dollars
        reach = reach * chance.climbs[at[:, column]]
    last = max(index for index, option in enumerate(plan) if not option.skips)
    right += reach * rungs[last][plan[last]].right
    dollars += reach * rungs[last][plan[last]].dollars
    return Tried(vectors, right.astype(np.float32), dollars.astype(np.float32))


def shares(plan: Plan, vector: Sequence[int], rungs: Sequence[Mapping[Option, Chances]]) -> list[float]:
    """How often each rung answers, as shares of the problems. vector: as of `Tried`."""
    found = [0.0] * len(plan)
    problems = next(iter(rungs[0].values())).right.shape[0]
    reach = np.ones(problems)
    for rung, theta in zip(climbing(plan), vector, strict=True):
        climbs = rungs[rung][plan[rung]].climbs[theta]
        found[rung] = float((reach * (1 - climbs)).mean())
        reach = reach * climbs
    last = max(index for index, option in enumerate(plan) if not option.skips)
    found[last] = float(reach.mean())
    return found


def of_rungs(plan: Plan, per_rung: Sequence[int]) -> Vector:
    """The thresholds that a plan has where each rung but the ladder's last has one of its own."""
    return tuple(per_rung[rung] for rung in climbing(plan))


def per_rung_vectors(rungs: int, thetas: int) -> Iterable[Vector]:
    return itertools.product(range(thetas), repeat=rungs - 1)
