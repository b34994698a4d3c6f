"""One bubblewrap sandbox for each matrix of solutions and tests."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from rung.cascade.sandbox.bubblewrap import SandboxUnavailable, candidates, command
from rung.cascade.sandbox.job import Reports, cells, head
from rung.cascade.sandbox.matrix import Limits, Matrix, Verdict
from rung.cascade.sandbox.session import Session, opened

_PROBE_S = 20.0
_INSTALL = "Install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`)."
_PROBE = """
import os, socket
def confined():
    for forbidden in (os.fork, socket.socket):
        try:
            forbidden()
            return False
        except PermissionError:
            pass
    return not os.path.exists("/proc/self")
"""


class Sandbox:
    """A way to run matrices; several runs at once do not meet."""

    def __init__(self, bwrap: str) -> None:
        self._bwrap = bwrap

    @classmethod
    def find(cls) -> Sandbox:
        """A sandbox that was seen to work: it ran a solution. Blocks for some 0.2 s. Raises SandboxUnavailable."""
        if sys.platform != "linux":
            raise SandboxUnavailable("Functions are not self-tested here: the sandbox needs Linux.")
        reasons = []
        for bwrap in candidates():
            reason = _probe(bwrap)
            if reason is None:
                return cls(bwrap)
            reasons.append(f"{bwrap}: {reason}")
        if not reasons:
            raise SandboxUnavailable(f"Functions are not self-tested: no bwrap was found. {_INSTALL}")
        raise SandboxUnavailable(f"Functions are not self-tested: no sandbox starts ({'; '.join(reasons)}). {_INSTALL}")

    async def run(self, solutions: Sequence[str], tests: Sequence[str], limits: Limits | None = None) -> Matrix:
        """Every solution under every test.

        When this returns, raises or is cancelled, no process of it is alive. Raises SandboxUnavailable.
        """
        limits = limits or Limits()
        begin = time.monotonic()
        verdicts = [[Verdict.NOT_RUN] * len(tests) for _ in solutions]
        if solutions and tests:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.wall_s), self.session(limits) as session:
                    session.add(solutions, tests)
                    verdicts = session.verdicts
                    await session.completed(limits.wall_s)
        return Matrix(tuple(map(tuple, verdicts)), time.monotonic() - begin)

    def session(self, limits: Limits) -> AbstractAsyncContextManager[Session]:
        """One sandbox for solutions and tests that come by and by. Raises SandboxUnavailable when it is entered."""
        return opened(lambda fd: command(self._bwrap, limits.tmp_mb, fd), limits)


def _probe(bwrap: str) -> str | None:
    """Why this one does not work; None where it does."""
    reports = Reports()
    reports.grow(1, 1)
    limits = Limits(test_s=_PROBE_S / 2)
    try:
        done = subprocess.run(
            command(bwrap, limits.tmp_mb),
            input=head(limits) + cells([_PROBE], ["assert confined()"]),
            capture_output=True,
            timeout=_PROBE_S,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_PROBE_S:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    reports.take(done.stdout[: len(done.stdout) - len(done.stdout) % Reports.SIZE])
    verdict = reports.verdicts[0][0]
    if verdict is Verdict.PASSED:
        return None
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else f"its check ended as {verdict}"
