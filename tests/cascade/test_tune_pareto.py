"""Pareto points."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.tune.pareto import accuracy_at, pareto

FEW = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
POINTS = st.lists(st.tuples(FEW, FEW), min_size=1, max_size=12)


def better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@given(POINTS)
def test_no_point_is_better_than_one_of_them_and_none_is_missing(points: list[tuple[float, float]]) -> None:
    costs, accuracies = (np.array(values) for values in zip(*points, strict=True))
    found = [points[index] for index in pareto(costs, accuracies)]
    assert found == sorted({point for point in points if not any(better(other, point) for other in points)})


@given(POINTS, FEW)
def test_a_budget_buys_the_most_accurate_point_that_it_pays_for(
    points: list[tuple[float, float]], budget: float
) -> None:
    costs, accuracies = (np.array(values) for values in zip(*points, strict=True))
    expected = max((accuracy for cost, accuracy in points if cost <= budget), default=0.0)
    assert accuracy_at(costs, accuracies, np.array([budget])) == [expected]
