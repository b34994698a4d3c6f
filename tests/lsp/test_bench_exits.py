"""Figures of the study of exits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.lines.case import Case, Cut, Kind
from rung.lsp.bench.exits_figures import rouge_l, routing, rows, stops
from rung.lsp.bench.exits_tasks import prompt

torch = pytest.importorskip("torch")

from rung.models.server.exits.completing import Completed  # noqa: E402
from rung.models.server.exits.first_tokens import FirstToken  # noqa: E402

WORDS = st.lists(st.sampled_from(["a", "b", "(", "x1"]), max_size=8)


def _case(truth: str, before: str = "import a\n") -> Case:
    return Case("package", "a.py", Kind.LINE, Cut.START, False, before, truth, "\n", "")


def _completed(text: str, tokens: int = 4, doubted: bool = False, skipped: int = 0) -> Completed:
    return Completed(text, tokens, seconds=0.3, layers=10 * tokens, skipped=skipped, doubted=doubted)


@given(WORDS, WORDS)
def test_rouge_l_is_the_same_both_ways_and_one_only_for_the_same_words(one: list[str], other: list[str]) -> None:
    a, b = " ".join(one), " ".join(other)
    assert rouge_l(a, b) == rouge_l(b, a)
    assert 0 <= rouge_l(a, b) <= 1
    assert (rouge_l(a, b) == 1) == (one == other)


def test_rouge_l_counts_the_longest_common_subsequence() -> None:
    # f ( x ) against g ( x , y ): "( x )" is common, of 4 and 6
    assert rouge_l("f(x)", "g(x, y)") == pytest.approx(2 * 3 / (4 + 6))


def test_a_row_counts_what_was_skipped_and_how_long_a_token_behind_the_first_took() -> None:
    cases = [_case("x = 1"), _case("y = 2")]
    done = [
        {"own": _completed("x = 1"), "Exit": _completed("x = 1", skipped=8)},
        {"own": _completed("y = 2"), "Exit": _completed("y = 3", skipped=4)},
    ]
    own, early = rows(cases, done, "own")
    assert (own.exact, own.same, own.skipped) == (1, 1, 0)
    assert (early.exact, early.same, early.skipped) == (0.5, 0.5, 1.5)
    assert early.seconds_a_token == pytest.approx(0.1)
    assert early.low <= early.time <= early.high
    assert early.time == pytest.approx(1)


def test_stops_are_judged_by_the_lines_that_would_have_come() -> None:
    cases = [_case("x"), _case("x"), _case("x")]
    done = [
        {"Exit": _completed("x"), "both": _completed("", 1, doubted=True)},
        {"Exit": _completed("y"), "both": _completed("", 1, doubted=True)},
        {"Exit": _completed("y"), "both": _completed("y")},
    ]
    found = stops(cases, done, "Exit", "both")
    assert (found.wrong, found.ended, found.precision, found.recall) == (2, 2, 0.5, 0.5)
    assert found.tokens == pytest.approx(0.5)


def test_a_score_that_is_higher_for_every_right_line_has_an_area_of_one() -> None:
    firsts = [[FirstToken(chance=0.9, doubt=0.6)], [FirstToken(chance=0.2, doubt=0.1)]]
    by_name = {each.score: each.auc for each in routing([True, False], firsts)}
    assert by_name["mean probability (MCCom)"] == 1
    assert by_name["mean of 1 - Stop"] == 0


def test_a_prompt_begins_with_a_line_and_leaves_the_last_blank_to_the_model() -> None:
    before = "".join(f"line_{number} = {number}\n" for number in range(500)) + "    "
    text = prompt(_case("x", before))
    assert before.endswith(text + " ")
    assert text.startswith("line_")
    assert len(text) <= 1000
