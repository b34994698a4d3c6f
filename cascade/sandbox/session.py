"""One sandbox that takes solutions and tests as they come, and runs each solution under each test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from rung.cascade.sandbox.bubblewrap import SandboxUnavailable
from rung.cascade.sandbox.job import Reports, cells, head
from rung.cascade.sandbox.matrix import Limits, Verdict
from rung.cascade.sandbox.process import Process, started

_READ = 1 << 16


class Session:
    """A matrix that grows. verdicts: a row for each solution, a column for each test, NOT_RUN where it is not known."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._reports = Reports()
        self._partial = b""

    @property
    def verdicts(self) -> list[list[Verdict]]:
        return self._reports.verdicts

    @property
    def complete(self) -> bool:
        """Whether every cell of the matrix, as far as it has grown, is known."""
        return self._reports.complete

    def add(self, solutions: Sequence[str], tests: Sequence[str]) -> None:
        """Further rows and columns; does not wait."""
        self._reports.grow(len(solutions), len(tests))
        self._process.send(cells(solutions, tests))

    async def more(self) -> bool:
        """Waits for further verdicts; False where the sandbox has died and there will be none.

        Raises SandboxUnavailable where it never began.
        """
        content = await self._process.read_some(_READ)
        if not content:
            if not self._reports.ready:
                raise SandboxUnavailable(f"The sandbox does not start: {await self._process.complaint()}.")
            return False
        content = self._partial + content
        whole = len(content) - len(content) % Reports.SIZE
        self._partial = content[whole:]
        self._reports.take(content[:whole])
        return True

    async def completed(self, wall_s: float) -> None:
        """Waits until every cell is known, the sandbox has died, or `wall_s` seconds are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wall_s):
                while not self.complete and await self.more():
                    pass


@contextlib.asynccontextmanager
async def opened(command: Callable[[int], list[str]], limits: Limits) -> AsyncIterator[Session]:
    """No process of it is alive after its block, whatever happens. `limits.wall_s` is the caller's to keep.

    command: see `started`. Raises SandboxUnavailable.
    """
    async with started(command) as process:
        process.send(head(limits))
        yield Session(process)
