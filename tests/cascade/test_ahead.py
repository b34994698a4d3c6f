"""What is asked first is what is read ahead; and who waits decides what comes first."""

from __future__ import annotations

import pytest

from rung.cascade import function
from rung.cascade.ahead import first_call
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.line import line_call, other_lines_call
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import Priority

from .climb_fakes import ADD, FUNCTION, LINE, FakeGate, model_of, rung, says

THETA = {TaskKind.LINE: 0.5, TaskKind.FUNCTION: 0.5}


def ladder(*ks: int) -> Ladder:
    return Ladder(tuple(rung(f"r{index}", says("    return a + b\n"), k=k) for index, k in enumerate(ks)), THETA)


@pytest.mark.parametrize("ks", [(0,), (3, -1), (-1, 0), (-1, -1, 2)])
@pytest.mark.parametrize("task", [LINE, FUNCTION])
async def test_the_first_call_is_the_one_that_a_climb_makes_first(task: Task, ks: tuple[int, ...]) -> None:
    asked = ladder(*ks)
    call = first_call(task, asked)
    assert call is not None
    await climb(task, asked, FakeGate(), None, deadline_s=10)
    first, prompt, _ = call
    assert model_of(first).calls[0][0] == prompt
    before: list[Rung] = list(asked.rungs[: asked.rungs.index(first)])
    assert not any(model_of(other).calls for other in before)


def test_where_no_rung_takes_a_function_nothing_is_read_ahead() -> None:
    assert first_call(FUNCTION, ladder(-1, -1)) is None
    assert first_call(LINE, Ladder((), THETA)) is None


def test_a_line_comes_before_bodies_tests_and_further_texts() -> None:
    asked = rung("r", says(""), k=3)
    calls = [
        line_call(LINE, asked),
        other_lines_call(LINE, asked, 2),
        function.solution_call(FUNCTION, ADD, asked, k=3),
        function.solution_call(FUNCTION, ADD, asked, k=0),
        function.test_call(ADD, asked),
    ]
    assert [sampling.priority for _, sampling in calls] == [Priority.LINE, *[Priority.FUNCTION] * 4]
