"""What goes into a sandbox, and what comes out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import ClassVar

from rung.cascade.sandbox.inside.harness import LENGTH, READY, REPORT
from rung.cascade.sandbox.matrix import Limits, Verdict

_VERDICTS = {
    b"P": Verdict.PASSED,
    b"F": Verdict.FAILED,
    b"E": Verdict.ERROR,
    b"T": Verdict.TIMEOUT,
    b"K": Verdict.KILLED,
}


def job(solutions: Sequence[str], tests: Sequence[str], limits: Limits) -> bytes:
    """The two parts that the harness reads. The second one, the tests, never reaches a solution's memory."""
    head = {
        "solutions": list(solutions),
        "test_s": limits.test_s,
        "at_once": limits.at_once,
        "limits": {
            "cpu_s": math.ceil(limits.test_s) + 1,
            "memory": limits.memory_mb << 20,
            "threads": limits.threads,
            "file": limits.file_mb << 20,
            "answer": limits.answer_kb << 10,
        },
    }
    parts = [json.dumps(head).encode(), json.dumps(list(tests)).encode()]
    return b"".join(LENGTH.pack(len(part)) + part for part in parts)


class Reports:
    """Fills a matrix from the harness's reports. ready: the sandbox has begun."""

    SIZE: ClassVar[int] = REPORT.size

    def __init__(self, verdicts: list[list[Verdict]]) -> None:
        self._verdicts = verdicts
        self._missing = sum(map(len, verdicts))
        self.ready = False

    @property
    def complete(self) -> bool:
        return self._missing == 0

    def take(self, report: bytes) -> None:
        """One report; what does not fit the matrix counts for nothing."""
        solution, test, code = REPORT.unpack(report)
        if code == READY:
            self.ready = True
        elif code in _VERDICTS and solution < len(self._verdicts) and test < len(self._verdicts[solution]):
            row = self._verdicts[solution]
            self._missing -= row[test] is Verdict.NOT_RUN
            row[test] = _VERDICTS[code]
