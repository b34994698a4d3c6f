"""Right, near and fast: the figures, against written-out examples."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.lines.case import Kind
from rung.cascade.bench.lines.figures import Interval, beside, row
from rung.cascade.bench.lines.likeness import is_exact, similarity
from rung.cascade.bench.lines.simulate import Spent, Trace
from rung.cascade.bench.lines.thetas import THETAS, choose, halves

from .lines_made import case

TRACE = Trace("a", "both", 0.5, "x", "small", 0.9, True, 1.0, 1.0, 1.0, False, 0.0, {})


@pytest.mark.parametrize(
    ("begun", "truth", "text", "right"),
    [
        ("", "return x", "return x", True),
        ("", "return x", "  return x ", True),
        ("", "return x", "return  x", True),
        ("x = f(", "a, b)", "a,b)", True),
        ("x = f(", "a,\n    b)", "a, b)", True),
        ("x = f(", "a, b)", "a, b,)", False),
        ("x = con", "fig", "fig", True),
        ("x = con", "fig", " fig", True),
        ("x = con", "fig.a", " fig.a", True),
        ("x = ", "'a'", '"a"', False),
        ("x = ", "(a", "(a", True),
        ("x = f(", "a)", "a", False),
        ("x = f(", "a)", "a)  # why", False),
        ("", "return x", "", False),
    ],
)
def test_a_statement_is_right_where_its_tokens_are(begun: str, truth: str, text: str, right: bool) -> None:
    assert is_exact(case(truth, begun=begun), text) is right


@pytest.mark.parametrize(
    ("text", "right"), [("f(a, b)", True), ("f(a, b)\n    more", True), ("f(a,b)", False), ("g\nf(a, b)", False)]
)
def test_a_line_is_right_to_the_letter_in_its_first_line(text: str, right: bool) -> None:
    assert is_exact(case("f(a, b)", kind=Kind.LINE), text) is right


@pytest.mark.parametrize(
    ("truth", "text", "near"),
    [("abcd", "abcd", 1.0), ("abcd", " abcd\n", 1.0), ("abcd", "abxd", 0.75), ("abcd", "ab", 0.5), ("ab", "", 0.0)],
)
def test_similarity_is_the_edits_over_the_longer_text(truth: str, text: str, near: float) -> None:
    assert similarity(case(truth), text) == near


@given(st.text(max_size=20), st.text(max_size=20))
def test_similarity_is_a_share_and_does_not_depend_on_the_order(one: str, other: str) -> None:
    near = similarity(case(one), other)
    assert 0 <= near <= 1
    assert near == similarity(case(other), one)
    assert similarity(case(one), one) == 1


def traces(*rows: tuple[bool, float, int]) -> list[Trace]:
    return [
        replace(TRACE, case=str(at), exact=exact, seconds=seconds, spent={"large": Spent(calls, 10 * calls, 0, calls)})
        for at, (exact, seconds, calls) in enumerate(rows)
    ]


def test_a_row_adds_up_its_traces() -> None:
    made = traces((True, 0.1, 0), (False, 0.2, 1), (True, 0.3, 1), (False, 1.0, 1))
    made[0] = replace(made[0], shown=None, usd=0.5, rejected=True, theta=0.4)
    found = row(made, "large", None)
    assert (found.tasks, found.exact, found.similarity, found.rejected) == (4, 0.5, 1.0, 0.25)
    assert (found.mean_s, found.p50_s, found.p90_s) == pytest.approx((0.4, 0.25, 0.79))
    assert (found.large_calls, found.usd, found.thetas) == (3, 0.5, (0.4, 0.5))
    assert found.shown == {"": 1, "small": 3}
    assert found.spent == {"large": Spent(3, 30, 0, 3)}


def test_differences_are_paired_with_their_intervals() -> None:
    one = traces(*[(True, 0.5, 0)] * 30, *[(False, 1.0, 1)] * 10)
    other = traces(*[(True, 1.0, 1)] * 20, *[(False, 1.0, 1)] * 20)
    found = beside(one, other, "large")
    assert found.exact.value == pytest.approx(0.25)
    assert 0 < found.exact.low < 0.25 < found.exact.high < 0.5
    assert found.calls.value == pytest.approx(-0.75)
    assert found.calls.low < -0.75 < found.calls.high < 0
    assert found.seconds.value == pytest.approx(-0.375)
    assert beside(one, one, "large").exact == Interval(0, 0, 0)
    assert found == beside(one, other, "large")


def test_strategies_of_different_tasks_are_not_compared() -> None:
    one = traces((True, 1.0, 1))
    with pytest.raises(ValueError, match="differ"):
        beside(one, [replace(one[0], case="other")], "large")


def test_the_fastest_theta_that_is_right_as_often_as_the_large_rung_is_chosen() -> None:
    large = traces((True, 1.0, 1), (True, 1.0, 1), (False, 1.0, 1))
    worse = traces((True, 0.1, 0), (False, 0.1, 0), (False, 0.1, 0))
    good = traces((True, 0.5, 1), (False, 0.5, 1), (True, 0.5, 1))
    better = traces((True, 0.9, 1), (True, 0.9, 1), (True, 0.9, 1))
    assert choose({0.1: worse, 0.2: good, 0.3: good, 0.4: better}, large) == 0.2
    assert choose({0.1: worse, 0.4: worse}, large) == 0.1


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30), st.integers(0, 9))
def test_halves_have_every_package_once(packages: list[str], seed: int) -> None:
    one, other = halves(packages, seed)
    assert one | other == set(packages)
    assert one
    assert other
    if len(set(packages)) > 1:
        assert not one & other
        assert abs(len(one) - len(other)) <= 1


def test_thetas_are_the_tenths() -> None:
    assert THETAS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
