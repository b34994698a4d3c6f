"""Searching a tree in which the file that is completed does not exist."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.retriever import Retriever


@dataclass(frozen=True, slots=True)
class Search:
    """What searches one tree, which is a copy of the benchmark's own.

    changed: told of a file that is gone or back; when it returns, the index knows. away: a folder outside the tree, on
    the same disk: an index that is made while a file is away must not have it under another name.
    """

    retriever: Retriever
    changed: Callable[[Path], Awaitable[None]]
    away: Path

    @asynccontextmanager
    async def without(self, path: Path) -> AsyncIterator[None]:
        """Within it there is no such file: what stands below the cursor cannot be found, nor count."""
        away = self.away / path.name
        await asyncio.to_thread(path.rename, away)
        try:
            await self.changed(path)
            yield
        finally:
            await asyncio.to_thread(away.rename, path)
            await self.changed(path)
