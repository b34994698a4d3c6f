"""What a climb will ask first, so that a local model can read it before anybody waits."""

from __future__ import annotations

from rung.cascade.function import solution_call
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.line import line_call
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import Prompt, Sampling


def first_call(task: Task, ladder: Ladder) -> tuple[Rung, Prompt, Sampling] | None:
    """The first rung that `task` can reach and what it is asked there; None where no rung takes such a task.

    Only the first: the next one is asked where the first is not sure, and until then the cores are the first one's.
    """
    for rung in ladder.rungs:
        if task.kind is TaskKind.LINE or task.function is None:
            return rung, *line_call(task, rung)
        if rung.k >= 0:
            return rung, *solution_call(task, task.function, rung, k=rung.k)
    return None
