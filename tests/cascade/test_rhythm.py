"""A pause is waited for that fits the hand and the engine."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.rhythm import Rhythm

GAPS = st.lists(st.floats(0.02, 2.0), min_size=8, max_size=64)


def typing(gaps: list[float]) -> Rhythm:
    rhythm = Rhythm()
    for at in itertools.accumulate(gaps, initial=100.0):
        rhythm.key(at)
    return rhythm


def test_where_nothing_is_known_it_is_half_of_the_longest() -> None:
    assert typing([0.1] * 7).pause(0.05, 0.5, 0.3) == 0.15


def test_an_engine_faster_than_the_hand_is_asked_at_once() -> None:
    assert typing([0.2] * 20).pause(0.05, 0.5, 0.3) == 0.0


def test_a_slow_answer_waits_until_the_burst_is_over() -> None:
    bursts = ([0.1] * 7 + [1.0]) * 6
    assert 0.1 < typing(bursts).pause(0.5, 0.5, 0.3) <= 0.3


@given(GAPS, st.floats(0, 2), st.floats(0.05, 0.95), st.floats(0.01, 1))
def test_after_the_pause_the_next_key_is_unlikely_before_the_answer(
    gaps: list[float], answer_s: float, odds: float, most_s: float
) -> None:
    pause = typing(gaps).pause(answer_s, odds, most_s)
    assert 0 <= pause <= most_s
    if pause < most_s:
        seen = [later - earlier for earlier, later in itertools.pairwise(itertools.accumulate(gaps, initial=100.0))]
        left = [gap for gap in seen if gap >= pause]
        assert sum(gap < pause + answer_s for gap in left) <= odds * len(left)


@given(GAPS, st.floats(0, 1), st.floats(0, 1))
def test_who_wants_better_odds_waits_no_shorter(gaps: list[float], one: float, other: float) -> None:
    rhythm = typing(gaps)
    low, high = sorted([one, other])
    assert rhythm.pause(0.2, low, 0.5) >= rhythm.pause(0.2, high, 0.5)


def test_somebody_who_came_back_from_lunch_typed_no_slower() -> None:
    assert typing([0.2] * 10 + [3600.0] * 30).pause(0.05, 0.5, 0.3) == 0.0
