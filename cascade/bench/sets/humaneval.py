"""HumanEval (Chen et al. 2021) and its single-line infilling (Bavarian et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.bench.data import folder, public_rows, text
from rung.cascade.bench.problem import Problem

_SOURCE = "https://github.com/openai/human-eval"
_INFILLING_SOURCE = "https://github.com/openai/human-eval-infilling"
_WHERE = "A line of HumanEval"


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One line to write between `before` and `after`. The line's indentation is typed already."""

    id: str
    before: str
    after: str
    line: str
    hidden_test: str


def problems(at: Path | None = None) -> Iterator[Problem]:
    """All 164. Raises DataMissing."""
    for row in public_rows(at or folder(), "HumanEval.jsonl.gz", _SOURCE):
        entry_point = text(row, "entry_point", _WHERE)
        test = f"{text(row, 'test', _WHERE)}\ncheck({entry_point})\n"
        yield Problem(text(row, "task_id", _WHERE), text(row, "prompt", _WHERE), entry_point, test)


def line_problems(at: Path | None = None) -> Iterator[LineProblem]:
    """All 1,033. Raises DataMissing."""
    for row in public_rows(at or folder(), "HumanEval-SingleLineInfilling.jsonl.gz", _INFILLING_SOURCE):
        solution = text(row, "canonical_solution", _WHERE).rstrip("\n")
        line = solution.lstrip()
        indent = solution[: len(solution) - len(line)]
        yield LineProblem(
            text(row, "task_id", _WHERE),
            text(row, "prompt", _WHERE) + indent,
            "\n" + text(row, "suffix", _WHERE),
            line,
            f"{text(row, 'test', _WHERE)}\ncheck({text(row, 'entry_point', _WHERE)})\n",
        )
