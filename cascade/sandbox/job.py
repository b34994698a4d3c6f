"""What goes into a sandbox, and what comes out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from rung.cascade.sandbox.inside.harness import READY, REPORT
from rung.cascade.sandbox.inside.inbox import LENGTH
from rung.cascade.sandbox.matrix import Limits, Verdict
from rung.cascade.sandbox.plain import is_plain_program, is_plain_test

_VERDICTS = {
    b"P": Verdict.PASSED,
    b"F": Verdict.FAILED,
    b"E": Verdict.ERROR,
    b"T": Verdict.TIMEOUT,
    b"K": Verdict.KILLED,
}


def head(limits: Limits) -> bytes:
    """The part that a harness reads first."""
    return _part(
        {
            "test_s": limits.test_s,
            "at_once": limits.at_once,
            "timeouts": limits.timeouts,
            "limits": {
                "cpu_s": math.ceil(limits.test_s) + 1,
                "memory": limits.memory_mb << 20,
                "threads": limits.threads,
                "file": limits.file_mb << 20,
                "answer": limits.answer_kb << 10,
            },
        }
    )


def cells(solutions: Sequence[str], tests: Sequence[str]) -> bytes:
    """Further rows and columns of the matrix. The tests never reach a solution's memory."""
    return _part(
        {
            "solutions": [(program, is_plain_program(program)) for program in solutions],
            "tests": [(test, is_plain_test(test)) for test in tests],
        }
    )


def _part(content: dict[str, Any]) -> bytes:
    payload = json.dumps(content).encode()
    return LENGTH.pack(len(payload)) + payload


class Reports:
    """A matrix that grows, and is filled from the harness's reports. ready: the sandbox has begun."""

    SIZE: ClassVar[int] = REPORT.size

    def __init__(self) -> None:
        self.verdicts: list[list[Verdict]] = []
        self._tests = 0
        self._missing = 0
        self.ready = False

    @property
    def complete(self) -> bool:
        return self._missing == 0

    def grow(self, solutions: int, tests: int) -> None:
        """By so many rows and columns."""
        for row in self.verdicts:
            row += [Verdict.NOT_RUN] * tests
        self._tests += tests
        self.verdicts += [[Verdict.NOT_RUN] * self._tests for _ in range(solutions)]
        self._missing = sum(row.count(Verdict.NOT_RUN) for row in self.verdicts)

    def take(self, reports: bytes) -> None:
        """Whole reports; what does not fit the matrix counts for nothing."""
        for solution, test, code in REPORT.iter_unpack(reports):
            if code == READY:
                self.ready = True
            elif code in _VERDICTS and solution < len(self.verdicts) and test < self._tests:
                row = self.verdicts[solution]
                self._missing -= row[test] is Verdict.NOT_RUN
                row[test] = _VERDICTS[code]
