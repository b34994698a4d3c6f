"""Choosing θ and the settings of a ladder by some problems, and what they are worth on others.

Chen et al. 2024, section 3.2: Pareto points of all settings beside those of single models, for each θ; the best θ is
where the two differ most. The paper does not say how that is measured; here by the cost saved at equal accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.pareto import accuracy_at, budgets_over, pareto

Floats = NDArray[np.float64]


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
    theta = _best_theta(accuracy, dollars, single)

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


class Advantage(NamedTuple):
    """Of all settings over single models. The first counts, the second where it is the same.

    saved: share of a single model's cost that other settings of at least its accuracy do without, as a mean over the
    Pareto points of the single models. above: accuracy that all settings buy more, as a mean over budgets.
    """

    saved: float
    above: float


def _best_theta(accuracy: Floats, dollars: Floats, single: NDArray[np.bool_]) -> int:
    """The index of the threshold where the two differ most, the first of equal ones. N × T; see `select`."""
    thetas = range(accuracy.shape[1])
    return max(thetas, key=lambda theta: advantage(accuracy[:, theta], dollars[:, theta], single))


def advantage(accuracy: Floats, dollars: Floats, single: NDArray[np.bool_]) -> Advantage:
    """Of these settings over those of them that use one model."""
    right, cost = accuracy[single], dollars[single]
    front = pareto(cost, right)
    budgets = budgets_over(cost, right)
    above = (accuracy_at(dollars, accuracy, budgets) - accuracy_at(cost, right, budgets)).mean()
    return Advantage(round(_saved(accuracy, dollars, right[front], cost[front]), 12), float(above))


def _saved(accuracy: Floats, dollars: Floats, right: Floats, cost: Floats) -> float:
    """right, cost: of the Pareto points of the single models, which are among all settings."""
    by_accuracy = np.argsort(accuracy)
    cheapest = np.minimum.accumulate(dollars[by_accuracy][::-1])[::-1]
    enough = cheapest[np.searchsorted(accuracy[by_accuracy], right, "left")]
    paid = cost > 0
    return float((1 - enough[paid] / cost[paid]).sum() / len(cost))
