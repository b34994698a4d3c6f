"""Whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rung.models.llama.engine.turns import PATIENCE_S, Limits, admitted, turn, urgency
from rung.models.protocol import Priority

LIMITS = Limits(cells=8192, context=2048, width=48)


@dataclass
class Work:
    priority: Priority = Priority.LINE
    asked: float = 0.0
    served: float = 0.0
    evaluated: bool = True
    prompt_left: int = 0
    tokens_left: int = 10
    cells: int = 700
    width: int = 1


WORKS = st.lists(
    st.builds(
        Work,
        priority=st.sampled_from(Priority),
        asked=st.floats(0, 10),
        served=st.floats(0, 10),
        evaluated=st.booleans(),
        prompt_left=st.integers(0, 2000),
        tokens_left=st.integers(0, 300),
        cells=st.integers(1, 9000),
        width=st.integers(1, 16),
    ),
    min_size=1,
    max_size=8,
)


def test_a_line_goes_before_a_self_test() -> None:
    assert turn([Work(Priority.FUNCTION), Work(Priority.LINE)], 0.0) == (None, [1])
    assert turn([Work(Priority.FUNCTION), Work(Priority.LINE, evaluated=False, prompt_left=500)], 0.0) == (1, [])


def test_solutions_and_tests_decode_in_one_batch() -> None:
    assert turn([Work(Priority.FUNCTION, width=10), Work(Priority.FUNCTION, width=10)], 0.0) == (None, [0, 1])


def test_a_line_that_is_being_written_does_not_wait_for_another_prompt() -> None:
    assert turn([Work(tokens_left=40), Work(evaluated=False, prompt_left=600)], 0.4) == (None, [0])


def test_but_no_prompt_waits_long() -> None:
    assert turn([Work(tokens_left=40), Work(evaluated=False, prompt_left=600)], 0.6) == (1, [])


def test_the_prompt_of_the_tests_is_evaluated_while_the_solutions_have_far_to_go() -> None:
    jobs = [Work(Priority.FUNCTION, tokens_left=256), Work(Priority.FUNCTION, evaluated=False, prompt_left=200)]
    assert turn(jobs, 0.0) == (1, [])


def test_the_shorter_prompt_is_evaluated_first() -> None:
    assert turn([Work(evaluated=False, prompt_left=600), Work(evaluated=False, prompt_left=9)], 0.1) == (1, [])


@given(WORKS, st.floats(10, 20))
def test_exactly_one_kind_of_turn_is_taken_by_the_most_urgent(jobs: list[Work], now: float) -> None:
    evaluating, decoding = turn(jobs, now)
    assert (evaluating is None) == bool(decoding)
    taken = decoding if evaluating is None else [evaluating]
    assert {urgency(jobs[index], now) for index in taken} == {min(urgency(job, now) for job in jobs)}
    assert all(jobs[index].evaluated == (evaluating is None) for index in taken)


def test_what_waits_becomes_urgent() -> None:
    background = Work(Priority.BACKGROUND, served=0.0)
    assert urgency(background, PATIENCE_S * 0.9) == 2
    assert urgency(background, PATIENCE_S * 2) == 0
    assert turn([background, Work(served=5.0)], 5.0) == (None, [0, 1])


def test_there_is_always_room_for_the_line_of_the_user() -> None:
    functions = [Work(Priority.FUNCTION, cells=3000, width=10) for _ in range(5)]
    taken = admitted([], functions, LIMITS, 0.0)
    active = [functions[index] for index in taken]
    assert len(active) == 2
    assert admitted(active, [Work(cells=2048)], LIMITS, 0.0) == [0]


def test_a_request_that_is_larger_than_the_cache_is_served_alone() -> None:
    assert admitted([], [Work(cells=9999), Work(cells=9999)], LIMITS, 0.0) == [0]
    assert admitted([Work()], [Work(cells=9999)], LIMITS, 0.0) == []


@given(WORKS, WORKS)
def test_no_more_is_admitted_than_there_is_room_for(active: list[Work], queue: list[Work]) -> None:
    taken = [queue[index] for index in admitted(active, queue, LIMITS, 0.0)]
    together = [*active, *taken]
    assert not taken or sum(job.cells for job in together) <= LIMITS.cells
    assert not taken or sum(job.width for job in together) <= LIMITS.width
