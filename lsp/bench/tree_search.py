"""The search of `rung bench lines`: an index of each source tree, made when it is first asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.lines.search import Search
from rung.cascade.bench.lines.tree import Tree
from rung.cascade.chunk import Chunk
from rung.cascade.retrieval import Progress, Repository
from rung.cascade.retrieval.kept import KeptRetriever
from rung.cascade.task import Task

_BUILD_S = 300.0


@asynccontextmanager
async def searches(trees: Sequence[Tree], scratch: Path) -> AsyncIterator[dict[str, Search]]:
    """By the tree's name. scratch: beside the trees; the indexes lie there, and none of the user's is touched."""
    async with AsyncExitStack() as stack:
        away = scratch / "away"
        away.mkdir()
        found = {}
        for tree in trees:
            search = TreeSearch(tree, scratch / "indexes" / f"{tree.name}.db")
            stack.push_async_callback(search.close)
            found[tree.name] = Search(search, search.changed, away)
        yield found


class TreeSearch:
    """Implements `rung.cascade.retriever.Retriever`, as the server does for the first task in a file."""

    def __init__(self, tree: Tree, index: Path) -> None:
        self._name = tree.name
        self._repository = Repository(tree.root, (), self._progress, index)
        self._found = KeptRetriever(self._repository, tree.root)
        self._ended = asyncio.Event()
        self._note: str | None = None
        self._started = False

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`. Raises DataMissing."""
        await self._ready()
        return await self._found.fresh(task)  # not what is kept from another task in this file

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`. Raises DataMissing."""
        await self._ready()
        return await self._found.retrieve_again(task)

    async def changed(self, path: Path) -> None:
        """A file is gone or back. Raises DataMissing where the index cannot be made."""
        await self._ready()
        await self._repository.saved(path)

    async def close(self) -> None:
        await self._repository.close()

    async def _ready(self) -> None:
        if not self._started:
            self._started = True
            await self._repository.start()
        try:
            async with asyncio.timeout(_BUILD_S):
                await self._ended.wait()
        except TimeoutError:
            self._note = f"it took longer than {_BUILD_S:.0f} s"
        if self._note is not None:
            raise DataMissing(f"The index of {self._name} could not be made: {self._note}")

    def _progress(self, progress: Progress) -> None:
        if progress.note is not None:
            self._note = progress.note
        if progress.ended or progress.note is not None:
            self._ended.set()
