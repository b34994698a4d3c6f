"""The code of one project, searched for its completions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rung.cascade.config import Config
from rung.cascade.retrieval import Progress, Repository
from rung.cascade.retrieval.kept import Kept, KeptRetriever
from rung.cascade.task import Task
from rung.lsp.notice import Level, Notice, Notify

OnIndexing = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A document as it is now. line: where it was edited last, 1-based."""

    path: Path
    text: Callable[[], str]
    line: int


class ProjectCode:
    """retriever: for climbs. kept: for those of a local model while somebody types.

    on_indexing: told how far the index is, while it is set.
    """

    def __init__(self, root: Path, config: Config, notify: Notify) -> None:
        self._notify = notify
        self._repository = Repository(root, config.never_send, self._progress)
        self._refreshing: asyncio.Task[None] | None = None
        self.retriever = KeptRetriever(self._repository, root)
        self.kept = Kept(self.retriever)
        self.on_indexing: OnIndexing | None = None
        self._latest = Progress(0, 0)

    async def start(self) -> None:
        """Build or refresh the index in the background."""
        await self._repository.start()

    def edited(self, files: Iterable[OpenFile], closed: Iterable[Path]) -> None:
        """What the editor has changed and closed since it was last told."""
        for path in closed:
            self._repository.closed(path)
        for file in files:
            self._repository.edited(file.path, file.text, file.line)

    async def saved(self, path: Path) -> None:
        """The file was saved, made, changed or deleted on the disk."""
        await self._repository.saved(path)

    def refresh(self, task: Task, read: Callable[[Task], Awaitable[None]]) -> None:
        """Where the cursor has moved on: find other code, let a model `read` the prompt with it, then use it."""
        busy = self._refreshing is not None and not self._refreshing.done()
        if not busy and self.retriever.drifted(task):
            self._refreshing = asyncio.create_task(self._refresh(task, read))

    def status(self) -> dict[str, object]:
        """As JSON."""
        progress = self._latest
        return {"files": progress.files, "of": progress.of, "complete": progress.ended}

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})
        await self._repository.close()

    async def _refresh(self, task: Task, read: Callable[[Task], Awaitable[None]]) -> None:
        chunks = await self.retriever.fresh(task)
        if chunks != task.retrieved:
            await read(replace(task, retrieved=chunks))
        self.retriever.adopt(task, chunks)

    def _progress(self, progress: Progress) -> None:
        self._latest = progress
        if progress.note is not None:
            self._notify(Notice(Level.WARNING, progress.note))
        if self.on_indexing is not None:
            self.on_indexing(progress)
