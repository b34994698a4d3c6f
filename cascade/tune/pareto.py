"""Pareto points: those for which no other costs no more and is no less accurate, and better in one of both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BUDGETS = 100
_LEAST = 1e-12  # ratios need more than 0


def pareto(costs: NDArray[np.float64], accuracies: NDArray[np.float64]) -> NDArray[np.intp]:
    """The indexes of the Pareto points, by rising cost; of equal points the first (Chen et al. 2024, section 3.2).

    costs, accuracies: one value for each point, none of them NaN.
    """
    order = np.lexsort((-accuracies, costs))
    best = np.maximum.accumulate(accuracies[order])
    above = np.concatenate(([True], accuracies[order][1:] > best[:-1]))
    return order[above[: len(order)]]


def budgets_over(costs: NDArray[np.float64], accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """100 budgets in equal ratios from the cheapest to the dearest Pareto point of these."""
    front = costs[pareto(costs, accuracies)]
    budgets = np.geomspace(max(front[0], _LEAST), max(front[-1], _LEAST), _BUDGETS)
    budgets[0], budgets[-1] = front[0], front[-1]  # the ratios round
    return budgets


def accuracy_at(
    costs: NDArray[np.float64], accuracies: NDArray[np.float64], budgets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The most accuracy that each budget buys; 0 where it buys no point."""
    front = pareto(costs, accuracies)
    at = np.searchsorted(costs[front], budgets, "right")
    return np.concatenate(([0.0], accuracies[front]))[at]
