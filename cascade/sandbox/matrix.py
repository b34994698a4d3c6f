"""What a run may use, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Limits:
    """wall_s: seconds of the whole matrix, the start of the sandbox included. test_s: of one cell, on the clock.

    memory_mb: address space of each process; a cell has two. threads: of all cells together. file_mb: one file.
    tmp_mb: all files. answer_kb: arguments or result of one call. at_once: cells that run at the same time.
    timeouts: a solution that ran out of time so often in a row is given up: all that is left of it is TIMEOUT.
    """

    wall_s: float = 10.0
    test_s: float = 1.0
    memory_mb: int = 256
    threads: int = 64
    file_mb: int = 4
    tmp_mb: int = 16
    answer_kb: int = 4096
    at_once: int = 2
    timeouts: int = 3


class Verdict(StrEnum):
    """What became of a solution under a test."""

    PASSED = "passed"
    FAILED = "failed"  # an assertion was false
    ERROR = "error"  # an exception, a syntax error, or a value that is no data
    TIMEOUT = "timeout"  # test_s was over, or the solution was given up
    KILLED = "killed"  # a process died: memory, a crash, exit
    NOT_RUN = "not_run"  # wall_s was over, or the sandbox died


@dataclass(frozen=True, slots=True)
class Matrix:
    """verdicts: a row for each solution, a column for each test. seconds: wall clock."""

    verdicts: tuple[tuple[Verdict, ...], ...]
    seconds: float

    def passed(self) -> list[list[bool]]:
        """Row by row."""
        return [[verdict is Verdict.PASSED for verdict in row] for row in self.verdicts]
