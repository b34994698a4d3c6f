"""What settings that 30% of the problems choose are worth on the other 70%, over many splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.chances import Chances
from rung.cascade.tune.grid import Grid
from rung.cascade.tune.pareto import budgets_over, pareto
from rung.cascade.tune.plan import Option, is_single
from rung.cascade.tune.selection import Advantage, Selection, advantage, select
from rung.cascade.tune.thetas import Plan, Tried, Vector, candidates, of_rungs, per_rung_vectors, tried

Floats = NDArray[np.float64]
Level = Literal["global", "rung", "option"]
LEVELS: tuple[Level, ...] = ("global", "rung", "option")
"""One θ; one for each rung; one for each rung and (k, l)."""
_KEPT = 1 << 25  # numbers of plans that were tried: 256 MB for both kinds


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one split and level, on the 70%, against the single model that the 30% found most accurate.

    saved: share of its cost that the ladder did without which the 30% found no less accurate at the least cost.
    gained: that ladder's accuracy, minus the single model's. bought: accuracy that all ladders buy beyond single
    models, as a mean over budgets. plan: that ladder's.
    """

    saved: float
    gained: float
    bought: float
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Points:
    """N settings with accuracy and dollars where they were chosen and judged."""

    plans: list[Plan]
    vectors: list[Vector]
    chosen: tuple[Floats, Floats]
    judged: tuple[Floats, Floats]

    def at(self, kept: NDArray[np.intp] | list[int]) -> _Points:
        """Some of them."""
        return _Points(
            [self.plans[index] for index in kept],
            [self.vectors[index] for index in kept],
            (self.chosen[0][kept], self.chosen[1][kept]),
            (self.judged[0][kept], self.judged[1][kept]),
        )


class Splitting:
    """choosing, judging: S × P weights of the splits. grid: its last axis is (all, S choosing, S judging)."""

    def __init__(
        self, rungs: Sequence[Mapping[Option, Chances]], grid: Grid, choosing: Floats, judging: Floats
    ) -> None:
        self._rungs = rungs
        self._grid = grid
        self._choosing = choosing
        self._judging = judging
        self._single = np.array([is_single(plan) for plan in grid.plans])
        self._tried: dict[Plan, Tried] = {}

    def selection(self, split: int) -> Selection:
        """With one θ for all (Chen et al. 2024, section 3.2)."""
        return self._selected(1 + split, 1 + len(self._choosing) + split)

    def selection_of_all(self) -> Selection:
        """As `selection`, where all problems choose, and judge."""
        return self._selected(0, 0)

    def _selected(self, choose: int, judge: int) -> Selection:
        return select(
            self._grid.accuracy[:, :, choose],
            self._grid.dollars[:, :, choose],
            self._grid.accuracy[:, :, judge],
            self._grid.dollars[:, :, judge],
            self._single,
        )

    def outcomes(self, split: int) -> dict[Level, Outcome]:
        """What each level of thresholds is worth."""
        selection = self.selection(split)
        choose = 1 + split
        plans = candidates(self._grid, self._grid.accuracy[:, :, choose], self._grid.dollars[:, :, choose])
        best = self._grid.plans[selection.best_single.plan]
        plans = list(dict.fromkeys([*plans, best]))
        everything = self._points(plans, split)
        single = everything.at([index for index, plan in enumerate(everything.plans) if is_single(plan)])
        return {
            "global": _outcome(_sharing(everything, (selection.theta,) * len(best)), single),
            "rung": _outcome(self._per_rung(everything), single),
            "option": _outcome(everything, single),
        }

    def _points(self, plans: Sequence[Plan], split: int) -> _Points:
        weights = np.stack([self._choosing[split], self._judging[split]]).astype(np.float32).T
        names: list[Plan] = []
        vectors: list[Vector] = []
        right, dollars = [], []
        for plan in plans:
            found = self._of(plan)
            names += [plan] * len(found.vectors)
            vectors += found.vectors
            right.append(found.right @ weights)
            dollars.append(found.dollars @ weights)
        accuracy = np.concatenate(right).astype(np.float64).round(6)  # single precision has seven digits
        cost = np.concatenate(dollars).astype(np.float64)
        return _Points(names, vectors, (accuracy[:, 0], cost[:, 0]), (accuracy[:, 1], cost[:, 1]))

    def _of(self, plan: Plan) -> Tried:
        if plan not in self._tried:
            if sum(each.right.size for each in self._tried.values()) > _KEPT:
                self._tried.clear()
            self._tried[plan] = tried(plan, self._rungs)
        return self._tried[plan]

    def _per_rung(self, points: _Points) -> _Points:
        """With the thresholds that have the greatest advantage over single models."""
        thetas = len(next(iter(self._rungs[0].values())).climbs)
        place = {key: index for index, key in enumerate(zip(points.plans, points.vectors, strict=True))}
        plans = list(dict.fromkeys(points.plans))
        single = np.array([is_single(plan) for plan in plans])
        best, most = points, Advantage(-np.inf, -np.inf)
        for per_rung in per_rung_vectors(len(self._rungs), thetas):
            kept = [place[plan, of_rungs(plan, per_rung)] for plan in plans]
            value = advantage(points.chosen[0][kept], points.chosen[1][kept], single)
            if value > most:
                best, most = points.at(kept), value
        return best


def _sharing(points: _Points, per_rung: Sequence[int]) -> _Points:
    """Those with these thresholds of the rungs."""
    kept = [
        index
        for index, (plan, vector) in enumerate(zip(points.plans, points.vectors, strict=True))
        if vector == of_rungs(plan, per_rung)
    ]
    return points.at(kept)


def _outcome(points: _Points, single: _Points) -> Outcome:
    accuracy, cost = points.chosen
    best = int(np.lexsort((single.chosen[1], -single.chosen[0]))[0])
    enough = np.flatnonzero(accuracy >= single.chosen[0][best])
    instead = int(enough[np.argmin(cost[enough])])
    was = float(single.judged[1][best])
    return Outcome(
        saved=1 - float(points.judged[1][instead]) / was if was else 0.0,
        gained=float(points.judged[0][instead] - single.judged[0][best]),
        bought=_bought(points, single),
        plan=points.plans[instead],
    )


def _bought(points: _Points, single: _Points) -> float:
    """The best point that was affordable where it was chosen, judged; budgets over the single models."""
    budgets = budgets_over(single.chosen[1], single.chosen[0])
    return float((_judged_at(points, budgets) - _judged_at(single, budgets)).mean())


def _judged_at(points: _Points, budgets: Floats) -> Floats:
    accuracy, cost = points.chosen
    front = pareto(cost, accuracy)
    at = np.maximum(np.searchsorted(cost[front], budgets * (1 + 1e-6), "right") - 1, 0)
    return points.judged[0][front][at]
