"""The self-test's tester: the sandbox, or none where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rung.cascade.sandbox import Limits, Sandbox, SandboxUnavailable

# A self-test is a few cells; a solution that needs longer is no completion.
LIMITS = Limits(wall_s=8.0, test_s=1.0)


class SandboxTester:
    """See `Tester`. tell: gets one sentence if the sandbox fails after it was found."""

    def __init__(self, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        self._sandbox = sandbox
        self._tell = tell

    async def passed(self, programs: Sequence[str], tests: Sequence[str]) -> list[list[bool]]:
        """Nothing passes in a sandbox that does not start."""
        try:
            matrix = await self._sandbox.run(programs, tests, LIMITS)
        except (SandboxUnavailable, OSError) as error:
            self._tell(f"Functions are not self-tested: {error}")
            return [[False] * len(tests) for _ in programs]
        return matrix.passed()


async def find_tester(tell: Callable[[str], None]) -> SandboxTester | None:
    """None, after telling why, where this platform or machine has no sandbox: then nothing is self-tested."""
    try:
        sandbox = await asyncio.to_thread(Sandbox.find)
    except SandboxUnavailable as error:
        tell(str(error))
        return None
    return SandboxTester(sandbox, tell)
