"""The code of one project, to be searched while it is edited."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.building_task import BuildingTask
from rung.cascade.retrieval.documents import Documents
from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.places import index_file
from rung.cascade.retrieval.progress import Progress
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.schema import Damaged, NoFullText, is_damage
from rung.cascade.retrieval.search_thread import SearchThread
from rung.cascade.retrieval.update_task import UpdateTask

CLOSE_S = 2.0


class Repository:
    """One for each project root. What touches the disk or takes longer runs in threads, and in a process of its own.

    root: of the project. never_send: patterns of the configuration, after the built-in ones. on_progress: called in the
    event loop. index: its file; None for the project's own in the user's cache. A document that is open counts as its
    text is now, not as it lies on the disk: open one with "" as text, and nothing of the file is found.
    """

    def __init__(
        self,
        root: Path,
        never_send: Sequence[str],
        on_progress: Callable[[Progress], None],
        index: Path | None = None,
    ) -> None:
        real, never = root.resolve(), tuple(never_send)
        index = index or index_file(real)
        self._tell = on_progress
        self._told: set[str] = set()
        self._documents = Documents(root)
        self._searching = SearchThread(real, never, index)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rung-search")
        self._building = BuildingTask(Order(str(real), never, str(index)), self._progress)
        self._updating = UpdateTask(real, never, index, self._building.again, self._failed)
        self._closed = False

    async def start(self) -> None:
        """Begin to build or refresh the index, in the background."""
        self._building.again()

    async def search(self, query: Query, limit: int) -> tuple[Chunk, ...]:
        """At most `limit` chunks, the best first, of some dozens; while the index is built, from what is there."""
        if self._closed:
            return ()
        self._searching.changed(self._documents.take())
        try:
            return await self._in_thread(query, limit)
        except (Damaged, NoFullText, sqlite3.Error, OSError) as error:
            self._failed(error)
            return ()

    async def saved(self, path: Path) -> None:
        """The file was saved, made, changed or deleted; returns when the index knows."""
        relative = self._documents.relative(path)
        if relative is not None and not self._closed:
            await self._updating.changed(relative)

    def opened(self, path: Path, text: str) -> None:
        """A document was opened."""
        self._documents.changed(path, lambda: text)

    def edited(self, path: Path, text: Callable[[], str], line: int) -> None:
        """An open document changed at `line`, 1-based. text: asked for with the next search, if one comes."""
        self._documents.changed(path, text, line)

    def closed(self, path: Path) -> None:
        """A document was closed: its file on the disk counts again."""
        self._documents.changed(path, None)

    async def close(self) -> None:
        """Within seconds; no process and no thread survives. More than once is allowed."""
        if self._closed:
            return
        self._closed = True
        await self._building.close()
        await self._updating.close()
        self._searching.index.interrupt()
        closing = asyncio.wrap_future(self._thread.submit(self._searching.index.close))
        await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, query: Query, limit: int) -> tuple[Chunk, ...]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._searching.search, query, limit)

    def _failed(self, error: Exception) -> None:
        """A damaged index is built anew; what else is wrong is said."""
        if isinstance(error, Damaged) or (isinstance(error, sqlite3.Error) and is_damage(error)):
            self._building.again(damaged=True)
        elif not self._closed:
            self._progress(Progress(0, 0, note=f"The project's code cannot be searched: {error}."))

    def _progress(self, progress: Progress) -> None:
        """Each note once."""
        if progress.note in self._told:
            return
        if progress.note is not None:
            self._told.add(progress.note)
        self._tell(progress)
