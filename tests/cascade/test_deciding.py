"""A self-test that is decided early is decided as the complete one would be."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.deciding import Below, Board, Winner
from rung.cascade.score import self_test_score, self_tests


@dataclass
class Whole:
    """A self-test with its end known: bodies (empty ones cannot be run), lines, and which body passes which line."""

    bodies: list[str]
    lines: list[str]
    passes: dict[tuple[str, str], bool]

    def scores(self) -> list[float]:
        """Section 3.1, of everything."""
        rows = [[bool(body) and self.passes[body, line] for line in self.lines] for body in self.bodies]
        scores = [self_test_score(each) for each in self_tests(rows, len(self.bodies))]
        return [score if body else 0.0 for score, body in zip(scores, self.bodies, strict=True)]

    def best(self) -> int:
        """As the ladder adopts: the best score, of equal ones the first that can be shown."""
        scores = self.scores()
        return min(range(len(self.bodies)), key=lambda index: (-scores[index], not self.bodies[index], index))


@st.composite
def wholes(draw: st.DrawFn) -> Whole:
    k = draw(st.integers(1, 6))
    bodies = draw(st.lists(st.sampled_from(["", "a", "b", "c", "d", "e", "f"]), min_size=k, max_size=k))
    lines = [f"t{number}" for number in range(draw(st.integers(0, 6)))]
    passes = {(body, line): draw(st.booleans()) for body in {*bodies} - {""} for line in lines}
    return Whole(bodies, lines, passes)


def grown(whole: Whole, theta: float | None, order: random.Random, room: int) -> Below | Winner | None:
    """The first decision, while bodies, lines and verdicts arrive by chance. room: lines that could still have come."""
    known: dict[tuple[str, str], bool] = {}
    board = Board(len(whole.bodies), theta, lambda body, line: known.get((body, line)))
    board.coming = len(whole.lines) + room
    events = [("body", index) for index in range(len(whole.bodies))]
    events += [("line", index) for index in range(len(whole.lines))] + [("room", 0)] * room
    order.shuffle(events)
    cells: list[tuple[str, str]] = []
    while True:
        decision = board.decision()
        if decision is not None:
            return decision
        if cells and (not events or order.random() < 0.5):
            cell = cells.pop(order.randrange(len(cells)))
            known[cell] = whole.passes[cell]
        elif events:
            kind, index = events.pop()
            if kind == "body":
                board.bodies[index] = whole.bodies[index]
            else:
                board.coming -= 1
                board.lines += [whole.lines[index]] if kind == "line" else []
            pairs = {(body, line) for body in board.bodies if body for line in board.lines}
            cells = sorted(pairs - known.keys())
        else:
            return None


@given(wholes(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0, None]), st.randoms(), st.integers(0, 3))
def test_an_early_decision_is_that_of_the_whole_test(
    whole: Whole, theta: float | None, order: random.Random, room: int
) -> None:
    decision = grown(whole, theta, order, room)
    scores, best = whole.scores(), whole.best()
    match decision:
        case Below(at_most=at_most):
            assert theta is not None
            assert scores[best] <= at_most < theta
        case Winner(index=index, at_least=at_least):
            assert whole.bodies[index] == whole.bodies[best]
            assert at_least <= scores[best] + 1e-12
            assert theta is None or scores[best] >= theta
        case None:  # all is known, and there is nothing that could be shown
            assert not any(whole.bodies)


@given(wholes(), st.randoms(), st.integers(0, 3))
def test_bounds_enclose_the_score_at_any_time(whole: Whole, order: random.Random, room: int) -> None:
    known = {cell: passes for cell, passes in whole.passes.items() if order.random() < 0.5}
    shown = order.randrange(len(whole.lines) + 1)
    board = Board(len(whole.bodies), 0.5, lambda body, line: known.get((body, line)))
    board.bodies = [body if order.random() < 0.6 else None for body in whole.bodies]
    board.lines = whole.lines[:shown]
    board.coming = len(whole.lines) - shown + room
    for bounds, score in zip(board.bounds(), whole.scores(), strict=True):
        assert bounds.low <= score <= bounds.high


def board_of(k: int, theta: float | None, passes: dict[tuple[str, str], bool], *lines: str) -> Board:
    board = Board(k, theta, lambda body, line: passes.get((body, line)))
    board.lines = list(lines)
    return board


def test_no_valid_line_decides_before_the_solutions_are_written() -> None:
    board = board_of(3, 0.1, {})
    board.bodies[1] = "a"
    assert board.decision() == Below(0.0, 1)


def test_nothing_is_below_before_there_is_a_body_to_show_if_no_other_rung_answers() -> None:
    assert board_of(3, 0.1, {}).decision() is None


def test_solutions_that_are_not_written_yet_cannot_make_up_for_lines_that_others_fail() -> None:
    board = board_of(3, 0.5, {("a", "t"): False, ("b", "t"): False}, "t")
    board.bodies[:2] = ["a", "b"]
    decision = board.decision()
    assert isinstance(decision, Below)
    assert decision.at_most == pytest.approx(1 / 3)


def test_a_line_that_may_still_come_keeps_the_decision_open() -> None:
    board = board_of(3, 0.5, {("a", "t"): False, ("b", "t"): False}, "t")
    board.bodies[:2] = ["a", "b"]
    board.coming = 1
    assert board.decision() is None


def test_equal_bodies_need_not_be_told_apart() -> None:
    board = board_of(2, 0.5, {("a", "t"): True}, "t")
    board.bodies = ["a", "a"]
    assert board.decision() == Winner(0, 1.0)
