"""Which task stands at a place in a document."""

from __future__ import annotations

from pathlib import Path

from rung.cascade import python_source
from rung.cascade.task import Task, TaskKind


def locate(before: str, after: str, *, path: Path | None = None, language: str = "python") -> Task | None:
    """The task at the cursor between `before` and `after`; None where nothing is to be completed.

    A function without a body is a `function` task where the rest of the line is empty (Python only);
    everything else is a `line` task, but within a word nothing is completed: what follows stands there.
    """
    rest = after.split("\n", 1)[0]
    if rest[:1].isalnum() or rest[:1] == "_":
        return None
    if language == "python" and not rest.strip():
        function = python_source.function_at(before, after)
        if function is not None:
            return Task(TaskKind.FUNCTION, before, after, language, path, function)
    if not before.strip():
        return None
    return Task(TaskKind.LINE, before, after, language, path)
