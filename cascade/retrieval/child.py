"""The building process, as its parent sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable

from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.progress import Progress

END_S = 2.0


async def run_building(order: Order, tell: Callable[[Progress], None]) -> int:
    """Build until it is done; its exit status. Cancelled, the process ends at once. Raises OSError."""
    async with _process() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then its status tells
            process.stdin.write(order.pack())
            await process.stdin.drain()
        async for line in process.stdout:
            tell(Progress(**json.loads(line)))
        return await process.wait()


@contextlib.asynccontextmanager
async def _process() -> AsyncIterator[Process]:
    """Its standard error is this process's own."""
    # -P: a file of the project that is called like a module must not be imported.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rung.cascade.retrieval.building"),
        stdin=PIPE,
        stdout=PIPE,
        cwd=os.sep,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.wait_for(asyncio.shield(process.wait()), END_S)
