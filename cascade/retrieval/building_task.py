"""The building process of a repository: one at a time, as often as something asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from rung.cascade.retrieval.child import run_building
from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.progress import Progress

REPAIRS = 3
"""How often a damaged index is built anew: a disk that goes on failing is not written forever."""


class BuildingTask:
    """For the event loop."""

    def __init__(self, order: Order, tell: Callable[[Progress], None]) -> None:
        self._order = order
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        self._damaged = False
        self._repairs = 0
        self._closed = False

    def again(self, damaged: bool = False) -> asyncio.Task[None] | None:
        """Build once more, after what runs now; the task that ends with it. damaged: the index is checked first."""
        if self._closed or (damaged and self._damaged):
            return self._task
        if damaged:
            self._repairs += 1
            if self._repairs > REPAIRS:
                self._tell(Progress(0, 0, note=f"The index {self._order.index} is damaged again and again; delete it."))
                return self._task
        self._wanted = True
        self._damaged = self._damaged or damaged
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    async def close(self) -> None:
        """The process is gone when this returns."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        failures = 0
        while self._wanted:
            self._wanted = False
            order = replace(self._order, damaged=self._damaged)
            try:
                status = await run_building(order, self._tell)
            except OSError as error:
                self._tell(Progress(0, 0, note=f"The project's code cannot be indexed: {error}."))
                return
            self._damaged = False
            if status:
                failures += 1
                self._wanted = self._wanted or failures < 2  # it may have been killed; what it did is kept
                if failures == 2:
                    note = f"The process that indexes the project ended with status {status}; the next start goes on."
                    self._tell(Progress(0, 0, note=note))
