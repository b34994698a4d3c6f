"""A team's own functions with tests: JSON Lines files, described in docs/tuning.md.

A line is an object with `id`, `prompt` and `tests`: the beginning of a Python file up to the body that is to be
written, and a program that fails where the body is wrong. Lines in the form of HumanEval (`task_id`, `prompt`,
`entry_point`, `test` with a function `check`) are taken too.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from rung.cascade.bench.data import DataMissing, rows, text
from rung.cascade.bench.problem import Problem, function_task
from rung.cascade.cut import parses

_FORMS = ("*.jsonl", "*.jsonl.gz")


def problems(path: Path) -> list[Problem]:
    """Of a file, or of all .jsonl and .jsonl.gz files directly in a folder. Raises DataMissing, naming the line."""
    if not path.exists():
        raise DataMissing(f"{path} is not there: it is to be a .jsonl file of functions with tests, or a folder.")
    files = sorted({file for form in _FORMS for file in path.glob(form)}) if path.is_dir() else [path]
    if not files:
        raise DataMissing(f"{path} has no .jsonl file in it.")
    return [_problem(row, f"{file}, problem {number}") for file in files for number, row in enumerate(rows(file), 1)]


def _problem(row: dict[str, Any], where: str) -> Problem:
    if "task_id" in row:
        entry_point = text(row, "entry_point", where)
        test = f"{text(row, 'test', where)}\ncheck({entry_point})\n"
        problem = Problem(text(row, "task_id", where), text(row, "prompt", where), entry_point, test)
    else:
        problem = Problem(text(row, "id", where), text(row, "prompt", where), "", text(row, "tests", where))
    function = function_task(problem).function
    assert function is not None
    name = problem.entry_point or function.name
    if not parses(problem.hidden_test):
        raise DataMissing(f"{where}: its tests are not Python.")
    if not any(
        isinstance(node, ast.Assert | ast.Call | ast.Raise) for node in ast.walk(ast.parse(problem.hidden_test))
    ):
        raise DataMissing(f"{where}: its tests test nothing.")
    return Problem(problem.id, problem.prompt, name, problem.hidden_test)
