"""Scores are what Chen et al. 2024 (section 3.1) and MCCom say they are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.score import confidence, self_test_score, self_tests
from rung.models.protocol import Token

matrices = st.integers(1, 6).flatmap(
    lambda lines: st.lists(st.lists(st.booleans(), min_size=lines, max_size=lines), min_size=1, max_size=6)
)
logprobs = st.floats(-50, 0)


@given(matrices)
def test_the_score_is_the_transcription_of_section_3_1(passed: list[list[bool]]) -> None:
    k = len(passed)
    tests = range(len(passed[0]))
    for solution, evidence in enumerate(self_tests(passed, k)):
        t_pass = {t for t in tests if passed[solution][t]}
        solves = {t: sum(1 for s in range(k) if passed[s][t]) for t in tests}
        n_s = len(t_pass)
        n_t = max((solves[t] for t in t_pass), default=0)
        assert (evidence.passed_lines, evidence.agreement) == (n_s, n_t)
        assert self_test_score(evidence) == pytest.approx(n_s * n_t / (k * len(tests)))


@given(matrices)
def test_scores_lie_in_the_unit_interval_and_one_means_all_pass_all(passed: list[list[bool]]) -> None:
    scores = [self_test_score(evidence) for evidence in self_tests(passed, len(passed))]
    assert all(0 <= score <= 1 for score in scores)
    assert (max(scores) == 1) == any(
        all(row) and any(all(other[line] for other in passed) for line in range(len(row))) for row in passed
    )


def test_no_valid_test_line_scores_zero() -> None:
    (evidence,) = self_tests([[]], 1)
    assert self_test_score(evidence) == 0


def test_solutions_that_agree_on_a_test_are_worth_more_than_one_alone() -> None:
    alone, *together = self_tests([[True, False], [False, True], [False, True]], 3)
    assert self_test_score(alone) == pytest.approx(1 * 1 / (3 * 2))
    assert [self_test_score(item) for item in together] == [pytest.approx(1 * 2 / (3 * 2))] * 2


@given(st.lists(logprobs, min_size=1, max_size=8))
def test_confidence_is_the_mean_probability_of_the_first_three_tokens(values: list[float]) -> None:
    first = [math.exp(value) for value in values[:3]]
    assert confidence([Token("x", value) for value in values]) == pytest.approx(sum(first) / len(first))


def test_no_token_is_no_confidence() -> None:
    assert confidence([]) == 0


def test_a_server_that_gives_a_probability_above_one_gains_nothing() -> None:
    assert confidence([Token("x", 5.0)]) == 1
