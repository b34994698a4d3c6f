"""Retrieved code that stays in the prompt while the user types, so that the model has read it already.

Other chunks at the beginning of the prompt mean that all of it is read anew. So those of a file stay until the cursor
has gone far; when it has moved some lines, others are looked for in the background (`fresh`), and taken once a model
has read them (`adopt`). Who completes while somebody types takes no others at all before that (`Kept`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.query import Query
from rung.cascade.task import Rejected, Task

_CHUNKS = 8  # what the largest prompt has room for
_VISIBLE = 1000  # characters before the cursor that every prompt holds
_NEAR, _AROUND = 800, 6000  # characters on each side: where the chunks stay, and where new ones wait to be read
_ANCHORS = 5  # lines above the cursor by which its place is known again
_LEAST_ANCHOR = 12  # characters: shorter lines stand everywhere
_FILES = 32


class Searches(Protocol):
    """`Repository`, as far as it is needed here."""

    async def search(self, query: Query, limit: int) -> tuple[Chunk, ...]: ...


@dataclass(frozen=True, slots=True)
class _Kept:
    chunks: tuple[Chunk, ...]
    anchors: tuple[str, ...]

    def is_within(self, task: Task, reach: int) -> bool:
        around = task.prefix[-reach:] + task.suffix[:reach]
        return not self.anchors or any(anchor in around for anchor in self.anchors)


class KeptRetriever:
    """Implements `Retriever`. root: of the project."""

    def __init__(self, searches: Searches, root: Path) -> None:
        self._searches = searches
        self._root = root
        self._kept: OrderedDict[Path | None, _Kept] = OrderedDict()

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`."""
        kept = self._kept.get(task.path)
        if kept is not None and kept.is_within(task, _AROUND):
            return kept.chunks
        chunks = await self.fresh(task)
        self.adopt(task, chunks)
        return chunks

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`."""
        return await self._found(task, task.rejected)

    def kept(self, task: Task) -> tuple[Chunk, ...]:
        """Those of the task's file, maybe none; nothing is searched for."""
        kept = self._kept.get(task.path)
        return kept.chunks if kept is not None else ()

    def drifted(self, task: Task) -> bool:
        """Whether others may be better: the cursor has moved on, or there are none, as before the index was made."""
        kept = self._kept.get(task.path)
        return kept is None or not kept.chunks or not kept.is_within(task, _NEAR)

    async def fresh(self, task: Task) -> tuple[Chunk, ...]:
        """Those that are best now, whatever was rejected: what is kept serves the texts that follow, too."""
        return await self._found(task, None)

    def adopt(self, task: Task, chunks: tuple[Chunk, ...]) -> None:
        """From here on, `chunks` are those of this place."""
        lines = [line for line in task.prefix.split("\n")[:-1] if len(line.strip()) >= _LEAST_ANCHOR]
        self._kept.pop(task.path, None)
        self._kept[task.path] = _Kept(chunks, tuple(lines[-_ANCHORS:]))
        if len(self._kept) > _FILES:
            self._kept.popitem(last=False)

    async def _found(self, task: Task, rejected: Rejected | None) -> tuple[Chunk, ...]:
        query = Query(
            before=task.prefix,
            after=task.suffix,
            path=self._relative(task.path),
            visible=(_VISIBLE, 0),
            second=rejected.text if rejected is not None else "",
            confidence=rejected.confidence if rejected is not None else 0.0,
        )
        return await self._searches.search(query, _CHUNKS)

    def _relative(self, path: Path | None) -> str | None:
        if path is None or not path.is_relative_to(self._root):
            return None
        return path.relative_to(self._root).as_posix()


class Kept:
    """Implements `Retriever` with what is kept alone: other chunks would have to be read while somebody waits."""

    def __init__(self, retriever: KeptRetriever) -> None:
        self._retriever = retriever

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`."""
        return self._retriever.kept(task)

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`."""
        return await self._retriever.retrieve_again(task)
