"""Small rung alone, large rung alone, and the ladder of both, on the same problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from rung.cascade.attempt import Climb, Decision
from rung.cascade.bench.open_gate import OpenGate
from rung.cascade.bench.problem import Problem
from rung.cascade.bench.sets.humaneval import LineProblem
from rung.cascade.climb import climb
from rung.cascade.cut import program
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.locate import locate
from rung.cascade.sandbox import Limits, Sandbox
from rung.cascade.self_test import Tester
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import Usage

Strategy = Literal["small alone", "large alone", "ladder"]
STRATEGIES: tuple[Strategy, ...] = ("small alone", "large alone", "ladder")

_DEADLINE_S = 300.0  # far above any answer: the benchmark measures times, it does not cut them
_FAILURES = {Decision.FAILED, Decision.DEADLINE}
_HIDDEN = Limits(wall_s=20.0, test_s=10.0)


class RungFailed(Exception):
    """A rung did not answer; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A task with its hidden test. line: the right one, for line tasks."""

    task: Task
    hidden_test: str
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """right: the hidden test passes. exact: the line is the right one; None for functions."""

    right: bool
    exact: bool | None
    large_calls: int
    usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. Fractions of 1; seconds: mean and median of a completion; usd: of all together."""

    kind: TaskKind
    strategy: Strategy
    tasks: int
    right: float
    exact: float | None
    large_calls: int
    usd: float
    mean_s: float
    median_s: float


def function_case(problem: Problem) -> Case | None:
    """None for the problem (HumanEval/115) whose function has a statement already."""
    task = locate(problem.prompt, "")
    if task is None or task.kind is not TaskKind.FUNCTION:
        return None
    return Case(task, problem.hidden_test)


def line_case(problem: LineProblem) -> Case:
    return Case(Task(TaskKind.LINE, problem.before, problem.after), problem.hidden_test, problem.line)


def ladder_for(strategy: Strategy, small: Rung, large: Rung, theta: dict[TaskKind, float]) -> Ladder:
    """Alone, a rung writes one greedy solution (k = 0), as in table 1 of Chen et al. 2024."""
    alone = {"small alone": small, "large alone": large}
    if strategy == "ladder":
        return Ladder((small, large), theta)
    return Ladder((replace(alone[strategy], k=0, l=0),), theta)


async def measure(
    cases: Sequence[Case], ladder: Ladder, tester: Tester | None, sandbox: Sandbox, on_case: Callable[[], None]
) -> list[Result]:
    """One after another, as a user asks. Raises RungFailed: a table with failures in it would not be of the models."""
    results = []
    for case in cases:
        climbed = await climb(case.task, ladder, OpenGate(), tester, deadline_s=_DEADLINE_S)
        for step in climbed.steps:
            if step.decision in _FAILURES:
                raise RungFailed(f"{step.rung} failed in the benchmark: {step.reason}")
        results.append(await _judge(case, climbed, sandbox))
        on_case()
    return results


def row(kind: TaskKind, strategy: Strategy, results: Sequence[Result]) -> Row:
    count = len(results)
    exact = [result.exact for result in results if result.exact is not None]
    return Row(
        kind=kind,
        strategy=strategy,
        tasks=count,
        right=sum(result.right for result in results) / count,
        exact=sum(exact) / count if exact else None,
        large_calls=sum(result.large_calls for result in results),
        usd=sum(result.usd for result in results),
        mean_s=sum(result.seconds for result in results) / count,
        median_s=median(result.seconds for result in results),
    )


async def _judge(case: Case, climbed: Climb, sandbox: Sandbox) -> Result:
    text = climbed.answer.text if climbed.answer else ""
    function = case.task.function
    source = program(function, text) if function else f"{case.task.prefix}{text}{case.task.suffix}"
    matrix = await sandbox.run([source], [case.hidden_test], _HIDDEN)
    return Result(
        right=matrix.passed()[0][0],
        exact=None if case.line is None else text.strip() == case.line.strip(),
        large_calls=sum(1 for step in climbed.steps if step.remote and step.usage != Usage()),
        usd=climbed.cost_usd,
        seconds=climbed.seconds,
    )
