"""The self-test's tester: the sandbox, or none where there is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from rung.cascade.sandbox import Limits, Sandbox, SandboxUnavailable, Session, Verdict

LIMITS = Limits(test_s=1.0)  # the whole is bounded by the self-test itself


class SandboxTester:
    """See `Tester`. tell: gets one sentence if the sandbox fails after it was found."""

    def __init__(self, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        self._sandbox = sandbox
        self._tell = tell

    @contextlib.asynccontextmanager
    async def cells(self) -> AsyncIterator[SandboxCells]:
        """Nothing passes in a sandbox that does not start."""
        cells = SandboxCells()
        running = asyncio.create_task(cells.run(self._sandbox, self._tell))
        try:
            yield cells
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class SandboxCells:
    """See `Cells`. The sandbox starts when there is something to run, while models are still generating."""

    def __init__(self) -> None:
        self._programs: list[str] = []
        self._tests: list[str] = []
        self._session: Session | None = None
        self._dead = False
        self._work = asyncio.Event()
        self._known = asyncio.Event()

    @property
    def complete(self) -> bool:
        if self._session is None or self._dead:
            return self._dead or not (self._programs and self._tests)
        return self._session.complete

    def add(self, programs: Sequence[str], tests: Sequence[str]) -> None:
        self._programs += programs
        self._tests += tests
        if self._session is not None:
            self._session.add(programs, tests)
        if self._programs and self._tests:
            self._work.set()

    def passed(self, program: int, test: int) -> bool | None:
        if self._session is None:
            return False if self._dead else None
        verdict = self._session.verdicts[program][test]
        if verdict is Verdict.NOT_RUN:
            return False if self._dead else None
        return verdict is Verdict.PASSED

    async def more(self) -> None:
        await self._known.wait()
        self._known.clear()

    async def run(self, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        """Until it is cancelled, or the sandbox ends."""
        try:
            await self._work.wait()
            async with sandbox.session(LIMITS) as session:
                session.add(self._programs, self._tests)
                self._session = session
                while await self._read(session):
                    self._known.set()
        except (SandboxUnavailable, OSError) as error:
            tell(f"Functions are not self-tested: {error}")
        self._dead = True
        self._known.set()

    async def _read(self, session: Session) -> bool:
        while session.complete:
            self._work.clear()
            await self._work.wait()
        return await session.more()


async def find_tester(tell: Callable[[str], None]) -> SandboxTester | None:
    """None, after telling why, where this platform or machine has no sandbox: then nothing is self-tested."""
    try:
        sandbox = await asyncio.to_thread(Sandbox.find)
    except SandboxUnavailable as error:
        tell(str(error))
        return None
    return SandboxTester(sandbox, tell)
