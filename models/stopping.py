"""Ending a process that rung started."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress


async def stop(process: Process, patience_s: float) -> None:
    """Ask it to end, and kill it where it has not after `patience_s`; returns when it is gone."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience_s)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
