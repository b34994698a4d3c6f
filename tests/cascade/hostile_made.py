"""What the kinds of hostile solutions and tests are run beside; see `test_sandbox_hostile.py`.

Most hostile solutions return the right answer exactly where their attack worked, so that a pass is an escape.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from rung.cascade.sandbox import Limits, Sandbox, Verdict

from .started import bwraps

GOOD = "def f(x):\n    return x + 1\n"
WORKER = """
import os
def f(x):
    found = os.listdir("/tmp")
    with open("/tmp/0", "w+") as file:
        file.write(str(x + 1))
        file.seek(0)
        return found or int(file.read())
"""
TESTS = ["assert f(1) == 2", "assert f(2) == 3"]
LIMITS = Limits(wall_s=15, test_s=0.4)
PROJECT = Path(__file__).resolve().parents[2]


async def beside_good_ones(sandbox: Sandbox, hostile: str, tests: list[str] = TESTS) -> tuple[Verdict, ...]:
    """The verdicts of the hostile solution; one good one computes, one works with files, and both pass everything."""
    columns = [*(each for each in tests if each not in TESTS), *TESTS]
    matrix = await sandbox.run([textwrap.dedent(hostile), GOOD, WORKER], columns, LIMITS)
    assert matrix.verdicts[1][-2:] == matrix.verdicts[2][-2:] == (Verdict.PASSED, Verdict.PASSED)
    assert Verdict.NOT_RUN not in matrix.verdicts[0]
    assert matrix.seconds < LIMITS.wall_s
    assert bwraps() == []
    return matrix.verdicts[0]


def in_function(body: str) -> str:
    return "def f(x):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"
