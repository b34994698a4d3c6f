"""MBPP-sanitized (Austin et al. 2021) as functions with docstrings, in the form of HumanEval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rung.cascade.bench.data import folder, public_rows, text
from rung.cascade.bench.problem import Problem

_SOURCE = "https://github.com/google-research/google-research/tree/master/mbpp (docs/tuning.md says in which form)"
_WHERE = "A line of MBPP-sanitized"


def problems(at: Path | None = None) -> Iterator[Problem]:
    """All 427. Raises DataMissing."""
    for row in public_rows(at or folder(), "mbpp_sanitized.jsonl.gz", _SOURCE):
        entry_point = text(row, "entry_point", _WHERE)
        # Some of the tests lean on an import that nothing makes.
        test = f"import math\n{text(row, 'test', _WHERE)}\ncheck({entry_point})\n"
        yield Problem(text(row, "task_id", _WHERE), text(row, "prompt", _WHERE), entry_point, test)
