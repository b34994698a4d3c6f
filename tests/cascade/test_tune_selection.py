"""Choosing θ and settings, and judging them on other problems."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of

from rung.cascade.tune.pareto import pareto
from rung.cascade.tune.selection import advantage, select
from rung.cascade.tune.split import splits

SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def test_each_split_chooses_by_30_percent_and_judges_by_all_others() -> None:
    chooses, judges = splits(164, 20, seed=1)
    assert ((chooses > 0) ^ (judges > 0)).all()
    assert ((chooses > 0).sum(axis=1) == 49).all()
    assert chooses.sum(axis=1) == pytest.approx(1)
    assert judges.sum(axis=1) == pytest.approx(1)
    assert len({row.tobytes() for row in chooses}) == 20


def test_too_few_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        splits(1, 1, seed=1)


def test_where_single_models_are_all_there_is_nothing_is_gained() -> None:
    accuracy, dollars = np.array([[0.2, 0.2], [0.5, 0.5]]), np.array([[1.0, 1.0], [5.0, 5.0]])
    selection = select(accuracy, dollars, accuracy, dollars, np.array([True, True]))
    assert (selection.saved, selection.gained, selection.theta) == (0, 0, 0)
    assert selection.instead == selection.best_single


def test_the_theta_is_chosen_where_the_ladder_is_furthest_above_the_single_models() -> None:
    single = np.array([True, True, False])
    accuracy = np.array([[0.2, 0.2, 0.2], [0.5, 0.5, 0.5], [0.3, 0.5, 0.5]])
    dollars = np.array([[1.0, 1.0, 1.0], [8.0, 8.0, 8.0], [2.0, 3.0, 7.0]])
    judged = np.array([[0.1, 0.1, 0.1], [0.4, 0.4, 0.4], [0.2, 0.5, 0.5]])
    selection = select(accuracy, dollars, judged, dollars / 2, single)
    assert selection.theta == 1
    assert [point.plan for point in selection.single] == [0, 1]
    assert [point.plan for point in selection.cascade] == [0, 2]
    assert selection.best_single.plan == 1
    assert selection.instead.plan == 2
    assert selection.saved == pytest.approx(1 - 3 / 8)
    assert selection.gained == pytest.approx(0.1)


@given(st.data(), st.integers(1, 6), st.integers(1, 3))
def test_what_is_chosen_costs_no_more_and_is_no_less_accurate_where_it_was_chosen(
    data: st.DataObject, plans: int, thetas: int
) -> None:
    accuracy = data.draw(of.arrays(np.float64, (plans, thetas), elements=SHARES))
    dollars = data.draw(of.arrays(np.float64, (plans, thetas), elements=SHARES))
    single = data.draw(of.arrays(np.bool_, plans).filter(np.any))
    selection = select(accuracy, dollars, accuracy, dollars, single)
    assert selection.instead.accuracy >= selection.best_single.accuracy
    assert selection.instead.dollars <= selection.best_single.dollars
    assert min(advantage(accuracy[:, 0], dollars[:, 0], single)) >= 0


@given(st.data(), st.integers(1, 8))
def test_the_cost_saved_is_that_of_the_cheapest_setting_that_is_no_less_accurate(
    data: st.DataObject, plans: int
) -> None:
    accuracy = data.draw(of.arrays(np.float64, plans, elements=SHARES))
    dollars = data.draw(of.arrays(np.float64, plans, elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])))
    single = data.draw(of.arrays(np.bool_, plans).filter(np.any))
    singles = np.flatnonzero(single)
    front = singles[pareto(dollars[singles], accuracy[singles])]
    saved = [
        1 - min(dollars[accuracy >= accuracy[point]]) / dollars[point] if dollars[point] else 0.0 for point in front
    ]
    assert advantage(accuracy, dollars, single).saved == pytest.approx(np.mean(saved))
