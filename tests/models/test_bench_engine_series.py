"""Medians, ratios within rounds, percentiles, and the order of turns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.bench import solutions
from rung.models.bench.series import Rounds, Series, find, percentile, ratio, turns
from rung.models.bench.target import Target, engine_targets

POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


def series(*values: float, contestant: str = "rung", quantity: str = "speed", unit: str = "tokens/s") -> Series:
    return Series(quantity, contestant, unit, values)


def test_a_round_in_which_the_machine_was_busy_changes_no_ratio() -> None:
    assert ratio(series(100, 10, 100, 50, 100), series(50, 5, 50, 25, 50)) == 2.0


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1))
def test_a_ratio_lies_within_those_of_the_rounds_and_is_one_to_itself(
    rounds: list[tuple[float, float]],
) -> None:
    over, under = series(*(one for one, _ in rounds)), series(*(other for _, other in rounds))
    assert ratio(over, over) == 1.0
    ratios = [one / other for one, other in rounds]
    assert min(ratios) <= ratio(over, under) <= max(ratios)


def test_rounds_that_do_not_belong_together_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="2 rounds against 1"):
        ratio(series(1, 2), series(1))


@given(st.lists(POSITIVE, min_size=1), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= max(1, math.ceil(share * len(values) - 1e-9))
    assert sum(value < found for value in values) <= share * len(values)


def test_percentiles_of_a_hundred_are_the_values_themselves() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_turns_go_to_and_fro() -> None:
    assert ["".join(turns("ABC", number)) for number in range(3)] == ["ABC", "CBA", "ABC"]


def test_rounds_keep_values_apart_by_quantity_and_contestant() -> None:
    rounds = Rounds()
    for value in (1.0, 2.0):
        rounds.add("speed", "a", "s", value)
    rounds.add("speed", "b", "s", 3.0)
    collected = rounds.series()
    assert find(collected, "speed", "a") == Series("speed", "a", "s", (1.0, 2.0))
    assert find(collected, "speed", "c") is None


def test_the_ratio_of_solutions_is_that_of_the_sums() -> None:
    measured = [
        series(0.1, 2.0, quantity=solutions.ONE, unit="s"),
        series(1.0, 4.0, quantity=solutions.TEN, unit="s"),
        series(1.0, quantity=solutions.ONE, unit="s", contestant="alone"),
    ]
    found = find(solutions.with_ratio(measured), solutions.RATIO, "rung")
    assert found is not None
    assert found.median == pytest.approx(5.0 / 2.1)
    assert find(solutions.with_ratio(measured), solutions.RATIO, "alone") is None


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {target.met for target in engine_targets([])} == {None}


@pytest.mark.parametrize(("measured", "met"), [(0.96, False), (0.97, True), (1.2, True)])
def test_a_target_is_met_from_its_bound_on(measured: float, met: bool) -> None:
    assert Target("speed", 0.97, "at least", "×", measured).met is met
    assert Target("time", 0.97, "at most", "×", measured).met is (measured <= 0.97)


def test_the_targets_are_computed_from_the_rounds() -> None:
    measured = [
        series(96, 98, 99, quantity="decoding, 1 sequence"),
        series(100, 100, 100, quantity="decoding, 1 sequence", contestant="raw llama.cpp"),
        series(288, 300, 330, quantity="decoding, 10 sequences"),
        series(1000, quantity="first token, cold", unit="ms"),
        series(50, quantity="first token, a line near the end changed", unit="ms"),
    ]
    values = [target.measured for target in engine_targets(measured)]
    assert values == [pytest.approx(0.98), pytest.approx(300 / 98), None, pytest.approx(0.05)]
