"""A project on the disk, its index in a folder of its own, and what is found in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from rung.cascade.retrieval import Progress, Query, Repository
from rung.cascade.retrieval.building import build
from rung.cascade.retrieval.order import Order

BUILD_S = 30.0


class Project:
    """root: of the project. index: the file of its index."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        self.index = folder / "index" / "project.db"
        self.progress: list[Progress] = []
        self._ended = asyncio.Event()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def repository(self, never_send: Sequence[str] = ()) -> Repository:
        self._ended.clear()
        return Repository(self.root, never_send, self._told, self.index)

    async def built(self, never_send: Sequence[str] = ()) -> Repository:
        """A repository whose index was completed in this process, which takes no start of another."""
        order = Order(str(self.root.resolve()), tuple(never_send), str(self.index))
        await asyncio.to_thread(build, order, self.progress.append)
        return self.repository(never_send)

    async def started(self) -> Repository:
        """A repository whose index was completed by the building process."""
        repository = self.repository()
        await repository.start()
        await self.ended()
        return repository

    async def ended(self) -> None:
        await asyncio.wait_for(self._ended.wait(), BUILD_S)
        self._ended.clear()

    @property
    def notes(self) -> list[str]:
        return [progress.note for progress in self.progress if progress.note]

    def _told(self, progress: Progress) -> None:
        self.progress.append(progress)
        if progress.ended:
            self._ended.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BUILD_S):
        while not condition():  # noqa: ASYNC110  other processes have no event to wait for
            await asyncio.sleep(0.005)


async def paths(repository: Repository, words: str, limit: int = 20) -> set[str]:
    """Of the files in which code beside `words` is found."""
    return {chunk.path for chunk in await repository.search(Query(words, "", None, (0, 0)), limit)}
