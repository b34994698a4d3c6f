"""The prompts of `rung bench engine`, as the ladder itself writes them."""

from __future__ import annotations

import random
from itertools import islice

from rung.cascade.bench.ladder import function_case, line_case
from rung.cascade.bench.sets.humaneval import line_problems, problems
from rung.cascade.function import solution_call
from rung.cascade.ladder import Rung
from rung.cascade.line import line_call
from rung.cascade.task import Task, TaskKind
from rung.models.bench.drafting import LinePrompt
from rung.models.bench.setup import Setup
from rung.models.bench.solutions import K, SolutionPrompt
from rung.models.bench.texts import real_code
from rung.models.llama import LlamaModel

HUMANEVAL = "HumanEval"
LONG_FILE = "a long file"
_PROBLEMS = 164
_LINES = 1033
_SEED = 1
_SHORTEST_LINE = 20


def solution_prompts(setup: Setup, count: int, most_tokens: int | None) -> list[SolutionPrompt]:
    """Of `count` problems of HumanEval, evenly spaced. most_tokens: None as the ladder asks. Raises DataMissing."""
    rung = _rung(setup)
    found: list[SolutionPrompt] = []
    for problem in islice(problems(), 0, None, max(_PROBLEMS // count, 1)):
        case = function_case(problem)
        if case is not None and case.task.function is not None and len(found) < count:
            prompt, sampling = solution_call(case.task, case.task.function, rung, k=K)
            found.append(SolutionPrompt(prompt.prefix, sampling.stop, most_tokens or sampling.max_tokens))
    return found


def line_prompts(setup: Setup, count: int) -> dict[str, list[LinePrompt]]:
    """`count` lines of HumanEval's infilling, evenly spaced, and of a long file of real code. Raises DataMissing."""
    rung = _rung(setup)
    tasks = [line_case(problem).task for problem in islice(line_problems(), 0, None, max(_LINES // count, 1))][:count]
    return {
        HUMANEVAL: [LinePrompt(*line_call(task, rung)) for task in tasks],
        LONG_FILE: [LinePrompt(*line_call(task, rung)) for task in _long_file_tasks(count)],
    }


def _long_file_tasks(count: int) -> list[Task]:
    """The cursor in the midst of lines of code."""
    text = real_code("argparse")
    choose = random.Random(_SEED)
    starts = [at + 1 for at in range(len(text) // 4, len(text)) if text[at] == "\n"]
    ends = [text.find("\n", start) for start in starts]
    long = [(start, end) for start, end in zip(starts, ends, strict=True) if end - start > _SHORTEST_LINE]
    tasks = []
    for start, end in choose.sample(long, count):
        cursor = (start + end) // 2
        tasks.append(Task(TaskKind.LINE, text[:cursor], text[end:]))
    return tasks


def _rung(setup: Setup) -> Rung:
    """Its model is never started: only the size of its context decides what is asked."""
    return Rung("local", LlamaModel("local", setup.checkpoint), k=K, l=4, context=setup.context)
