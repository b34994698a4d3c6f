"""The thread that updates single files, and the task that feeds it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rung.cascade.retrieval.opening import OpenIndex
from rung.cascade.retrieval.schema import Damaged, NoFullText
from rung.cascade.retrieval.updating import update

MOST = 8
"""Files that are updated in this process; more, as after a checkout, are left to the building process."""

CLOSE_S = 2.0

_PATTERNS = (".gitignore", ".git/info/exclude")


class UpdateTask:
    """For the event loop. build: asks for the building process, gives the task that ends with it, if there is one.

    failed: called with what went wrong.
    """

    def __init__(
        self,
        root: Path,
        never_send: tuple[str, ...],
        index: Path,
        build: Callable[[], asyncio.Task[None] | None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._root = root
        self._never_send = never_send
        self._index = OpenIndex(index)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rung-update")
        self._build = build
        self._failed = failed
        self._waiting: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def changed(self, path: str) -> None:
        """path: relative to the project. Returns when the index knows."""
        if self._closed:
            return
        self._waiting.add(path)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        await asyncio.wait({self._task})

    async def close(self) -> None:
        """What waits is left to the next start."""
        self._closed = True
        self._waiting.clear()
        self._index.interrupt()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_S)
        closing = asyncio.wrap_future(self._thread.submit(self._index.close))
        await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        """One round of the event loop later, so that files that were told together are written together."""
        await asyncio.sleep(0)
        while self._waiting:
            paths, self._waiting = sorted(self._waiting), set()
            if len(paths) > MOST or any(path.endswith(_PATTERNS) for path in paths):
                await self._rebuilt()
                continue
            try:
                folders = await asyncio.get_running_loop().run_in_executor(self._thread, self._update, paths)
            except (Damaged, NoFullText, sqlite3.Error, OSError) as error:
                self._failed(error)
            else:
                if folders:
                    await self._rebuilt()

    async def _rebuilt(self) -> None:
        building = self._build()
        if building is not None:
            await asyncio.wait({building})

    def _update(self, paths: list[str]) -> bool:
        """In the thread. Whether one is a folder, which may hold many files."""
        update(self._index.current(), self._root, self._never_send, paths)
        return any((self._root / path).is_dir() for path in paths)
