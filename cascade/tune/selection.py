"""Choosing θ and the settings of a ladder by some problems, and what they are worth on others.

Chen et al. 2024, section 3.2: Pareto points of all settings beside those of single models, for each θ; the best θ is
where the two differ most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.pareto import accuracy_at, pareto

Floats = NDArray[np.float64]
_BUDGETS = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """Of a setting: its index in the grid, and its accuracy and dollars a problem where it was chosen and judged."""

    plan: int
    chosen_accuracy: float
    chosen_dollars: float
    accuracy: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Selection:
    """theta: index of the best threshold. cascade, single: Pareto points of both kinds, by rising cost.

    best_single: the most accurate single model; instead: the cheapest setting that is chosen to be as accurate.
    """

    theta: int
    cascade: tuple[Judged, ...]
    single: tuple[Judged, ...]
    best_single: Judged
    instead: Judged

    @property
    def saved(self) -> float:
        """Share of the best single model's cost that the ladder does without, on the judging problems."""
        return 1 - self.instead.dollars / self.best_single.dollars if self.best_single.dollars else 0.0

    @property
    def gained(self) -> float:
        """Accuracy that the ladder has more than the best single model, on the judging problems."""
        return self.instead.accuracy - self.best_single.accuracy


def select(
    accuracy: Floats, dollars: Floats, judged_accuracy: Floats, judged_dollars: Floats, single: NDArray[np.bool_]
) -> Selection:
    """All but `single` (N, whether a setting uses one model): N × T, for T thresholds; the first two choose."""
    advantages = [advantage(accuracy[:, theta], dollars[:, theta], single) for theta in range(accuracy.shape[1])]
    theta = int(np.argmax(advantages))

    def judged(plan: int) -> Judged:
        values = (accuracy, dollars, judged_accuracy, judged_dollars)
        return Judged(plan, *(float(each[plan, theta]) for each in values))

    singles = np.flatnonzero(single)
    right, cost = accuracy[:, theta], dollars[:, theta]
    best = singles[np.lexsort((cost[singles], -right[singles]))[0]]
    enough = np.flatnonzero(right >= right[best])
    instead = enough[np.argmin(cost[enough])]
    return Selection(
        theta,
        tuple(map(judged, pareto(cost, right).tolist())),
        tuple(map(judged, singles[pareto(cost[singles], right[singles])].tolist())),
        judged(int(best)),
        judged(int(instead)),
    )


def advantage(accuracy: Floats, dollars: Floats, single: NDArray[np.bool_]) -> float:
    """Accuracy that all settings buy more than single models alone, as a mean over budgets.

    The budgets go in equal ratios from the cheapest to the dearest Pareto point of the single models.
    """
    right, cost = accuracy[single], dollars[single]
    front = cost[pareto(cost, right)]
    budgets = np.geomspace(max(front[0], 1e-12), max(front[-1], 1e-12), _BUDGETS)
    budgets[0], budgets[-1] = front[0], front[-1]  # the ratios round
    return float((accuracy_at(dollars, accuracy, budgets) - accuracy_at(cost, right, budgets)).mean())
