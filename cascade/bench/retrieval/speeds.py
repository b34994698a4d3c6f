"""How long building, refreshing, updating and searching take, through `Repository`, as the language server does it."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.bench.retrieval.holes import VISIBLE, Hole
from rung.cascade.bench.retrieval.tree import tree_files
from rung.cascade.retrieval import Progress, Query, Repository

OPEN = 20
"""Documents that are open while searches are timed."""

UPDATES = 60
BUILD_S = 600.0
IDLE_S = 3.0
SIDE = 65_536
"""Characters of each side that a search is given."""


class BuildFailed(Exception):
    """Its sentence says why."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds. idle: share of a core."""

    files: int
    build: float
    refresh: float
    searches: list[float]
    typed: list[float]
    second: list[float]
    updates: list[float]
    checkout: float
    idle: float


async def speeds(root: Path, folder: Path, asked: Sequence[Hole], idle_s: float = IDLE_S) -> Speeds:
    """In an index that is left in `folder`; files are changed in a copy of the tree there. Raises BuildFailed."""
    copy = folder / "tree"
    await asyncio.to_thread(shutil.copytree, root, copy, symlinks=True)
    copy, files = copy.resolve(), await asyncio.to_thread(tree_files, root)
    building = _Building()
    repository = Repository(copy, (), building.told, folder / "index.db")
    build = await building.timed(repository)
    await repository.close()
    repository = Repository(copy, (), building.told, folder / "index.db")
    try:
        refresh = await building.timed(repository)
        idle = await _idle(idle_s)
        opened = random.Random(1).sample(files, min(OPEN, len(files)))
        for path, text in opened:
            repository.opened(copy / path, text)
        queries = [Query(h.before[-SIDE:], h.after[:SIDE], h.path, VISIBLE) for h in asked]
        searches = [await _searched(repository, query) for query in queries]
        typed = [
            seconds
            for query, hole in zip(queries[:40], asked, strict=False)
            for seconds in await _typed(repository, query, hole)
        ]
        second = [
            await _searched(repository, Query(q.before, q.after, q.path, VISIBLE, hole.line, 0.5))
            for q, hole in zip(queries, asked, strict=True)
        ]
        updates = [
            await _updated(repository, copy / path)
            for path, _ in random.Random(2).sample(files, min(UPDATES, len(files)))
        ]
        checkout = await _checked_out(repository, [copy / path for path, _ in files[: len(files) // 4]])
    finally:
        await repository.close()
    return Speeds(building.files, build, refresh, searches, typed, second, updates, checkout, idle)


class _Building:
    def __init__(self) -> None:
        self.files = 0
        self._ended = asyncio.Event()
        self._note = "It did not end."

    def told(self, progress: Progress) -> None:
        self._note = progress.note or self._note
        if progress.ended:
            self.files = progress.of
            self._ended.set()

    async def timed(self, repository: Repository) -> float:
        self._ended.clear()
        start = time.perf_counter()
        await repository.start()
        try:
            await asyncio.wait_for(self._ended.wait(), BUILD_S)
        except TimeoutError:
            raise BuildFailed(f"The index was not built within {BUILD_S:.0f} seconds: {self._note}") from None
        return time.perf_counter() - start


async def _searched(repository: Repository, query: Query) -> float:
    start = time.perf_counter()
    await repository.search(query, 8)
    return time.perf_counter() - start


async def _typed(repository: Repository, query: Query, hole: Hole) -> list[float]:
    """The line is typed: a search at each third character, in the document as it is then."""
    seconds: list[float] = []
    for end in range(3, len(hole.line), 3):
        before = query.before + hole.line[:end]
        seconds.append(await _searched(repository, Query(before, query.after, query.path, VISIBLE)))
    return seconds


async def _updated(repository: Repository, path: Path) -> float:
    """A line is added to the file."""
    text = await asyncio.to_thread(path.read_text, "utf-8", "replace")
    await asyncio.to_thread(path.write_text, text + "\nan_added_line = add(2)\n", "utf-8")
    start = time.perf_counter()
    await repository.saved(path)
    return time.perf_counter() - start


async def _checked_out(repository: Repository, paths: Sequence[Path]) -> float:
    """Many files change at once."""

    def change() -> None:
        for path in paths:
            with path.open("a", encoding="utf-8") as file:
                file.write("\nchecked_out = True\n")

    await asyncio.to_thread(change)
    start = time.perf_counter()
    await asyncio.gather(*(repository.saved(path) for path in paths))
    return time.perf_counter() - start


async def _idle(seconds: float) -> float:
    start = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - start) / seconds
