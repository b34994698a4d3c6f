"""HumanEval (Chen et al. 2021) and its single-line infilling (Bavarian et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rung.cascade.bench.data import DataMissing, rows

_SOURCE = "https://github.com/openai/human-eval"
_INFILLING_SOURCE = "https://github.com/openai/human-eval-infilling"


@dataclass(frozen=True, slots=True)
class Problem:
    """A function to write. hidden_test: a program that passes after a right solution."""

    id: str
    prompt: str
    entry_point: str
    hidden_test: str


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One line to write between `before` and `after`. The line's indentation is typed already."""

    id: str
    before: str
    after: str
    line: str
    hidden_test: str


def problems() -> Iterator[Problem]:
    """All 164. Raises DataMissing."""
    for row in rows("HumanEval.jsonl.gz", _SOURCE):
        entry_point = _text(row, "entry_point")
        yield Problem(
            _text(row, "task_id"), _text(row, "prompt"), entry_point, f"{_text(row, 'test')}\ncheck({entry_point})\n"
        )


def line_problems() -> Iterator[LineProblem]:
    """All 1,033. Raises DataMissing."""
    for row in rows("HumanEval-SingleLineInfilling.jsonl.gz", _INFILLING_SOURCE):
        solution = _text(row, "canonical_solution").rstrip("\n")
        line = solution.lstrip()
        indent = solution[: len(solution) - len(line)]
        yield LineProblem(
            _text(row, "task_id"),
            _text(row, "prompt") + indent,
            "\n" + _text(row, "suffix"),
            line,
            f"{_text(row, 'test')}\ncheck({_text(row, 'entry_point')})\n",
        )


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataMissing(f"A line of the data set has no text {key!r}: it is another data set, or damaged.")
    return value
