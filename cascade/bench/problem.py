"""A function to write, with hidden tests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rung.cascade.bench.data import DataMissing
from rung.cascade.locate import locate
from rung.cascade.task import Function, Task, TaskKind

_DEF = re.compile(r"^def[ \t]+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Problem:
    """prompt: a program up to the body that is to be written. hidden_test: a program that passes after a right one."""

    id: str
    prompt: str
    entry_point: str
    hidden_test: str


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """Problems with distinct ids."""

    name: str
    problems: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Of the problems, in any order: tells whether two recordings are of the same ones."""
        rows = sorted(json.dumps(asdict(problem), sort_keys=True) for problem in self.problems)
        return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def function_task(problem: Problem) -> Task:
    """As the editor would see it; where the function has a statement already (HumanEval/115), as if it had none.

    Raises DataMissing where the prompt defines no function.
    """
    task = locate(problem.prompt, "")
    if task is not None and task.kind is TaskKind.FUNCTION:
        return task
    last = _last_definition(problem)
    function = Function(last[1], problem.prompt[last.start() :], problem.prompt[: last.start()], "    ")
    return Task(TaskKind.FUNCTION, problem.prompt, "", function=function)


def distinct(name: str, problems: Sequence[Problem]) -> ProblemSet:
    """Raises DataMissing where there is none, two have one id, or one has no function."""
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            raise DataMissing(f"{name} has two problems with the id {problem.id!r}; give each its own.")
        seen.add(problem.id)
        _last_definition(problem)
    if not problems:
        raise DataMissing(f"{name} has no problem in it.")
    return ProblemSet(name, tuple(problems))


def _last_definition(problem: Problem) -> re.Match[str]:
    *_, last = (None, *_DEF.finditer(problem.prompt))
    if last is None:
        raise DataMissing(f"The prompt of problem {problem.id!r} defines no function (`def …`) at the top of its text.")
    return last
