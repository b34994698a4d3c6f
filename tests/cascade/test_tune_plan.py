"""Which settings of a ladder are valid (Chen et al. 2024, section 3.2)."""

from __future__ import annotations

import itertools

import pytest

from rung.cascade.tune.plan import SKIP, Option, is_single, is_valid, options, plans

GREEDY = Option(0, 0)


def test_a_rung_has_ten_options() -> None:
    assert options() == (
        SKIP,
        GREEDY,
        *(Option(k, l) for k in (1, 3, 5, 10) for l in (2, 4)),  # noqa: E741
    )


@pytest.mark.parametrize(
    ("ks", "valid"),
    [((3, 5, 0), True), ((10, -1, 3), True), ((1, 0, 3), False), ((1, 0, -1), True), ((-1, -1, -1), False)],
)
def test_the_examples_of_the_paper(ks: tuple[int, ...], valid: bool) -> None:
    plan = tuple(Option(k, 4 if k > 0 else 0) for k in ks)
    assert is_valid(plan) is valid


def test_plans_are_those_where_nothing_follows_a_greedy_solution() -> None:
    expected = [
        plan
        for plan in itertools.product(options(), repeat=3)
        if any(option.k >= 0 for option in plan)
        and not any(early.k == 0 and late.k >= 0 for at, early in enumerate(plan) for late in plan[at + 1 :])
    ]
    assert list(plans(3, options())) == expected


def test_single_plans_use_one_model() -> None:
    assert sum(map(is_single, plans(3, options()))) == 3 * 9
