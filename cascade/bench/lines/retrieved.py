"""Retrieval that is made once for each question, in virtual time, and never finds the file that is completed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

from rung.cascade.bench.lines.clock import VirtualClock
from rung.cascade.bench.lines.journal import Journal, Row
from rung.cascade.bench.lines.search import Search
from rung.cascade.chunk import Chunk
from rung.cascade.task import Task


class Leaked(Exception):
    """A chunk of the file that is completed was found: the figures would be worth nothing."""


class RecordedRetriever:
    """Implements `rung.cascade.retriever.Retriever`, for tasks that were prepared. root: of the tree called `name`.

    search: None where every question is expected to be in the journal. again: whether the small rung's text counts;
    otherwise the second question is the first one.
    """

    def __init__(
        self, name: str, root: Path, search: Search | None, journal: Journal, clock: VirtualClock, *, again: bool
    ) -> None:
        self._name = name
        self._root = root
        self._search = search
        self._journal = journal
        self._clock = clock
        self._again = again

    async def prepare(self, task: Task) -> None:
        """Ask what a climb with this task will ask, which has no time for taking a file away and writing it down.

        Raises RecordingError and Leaked.
        """
        again = task.rejected is not None and self._again
        key = self._key(task, again=again)
        if self._journal.find(key) is None:
            await asyncio.to_thread(self._journal.append, key, await self._asked(task, again=again))

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`. Raises RecordingError."""
        return self._found(task, again=False)

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        """See `Retriever`. Raises RecordingError."""
        return self._found(task, again=self._again)

    def _found(self, task: Task, *, again: bool) -> tuple[Chunk, ...]:
        key = self._key(task, again=again)
        row = self._journal.find(key)
        try:
            if row is None:
                raise LookupError("it was not prepared")
            chunks, seconds = tuple(Chunk(*chunk) for chunk in row["chunks"]), float(row["seconds"])
        except (LookupError, TypeError, ValueError) as error:
            raise self._journal.damaged(key, error) from None
        self._clock.seconds += seconds
        return chunks

    async def _asked(self, task: Task, *, again: bool) -> Row:
        if self._search is None or task.path is None:
            raise self._journal.damaged(self._name, LookupError("this was not searched for before"))
        async with self._search.without(task.path):
            find = self._search.retriever.retrieve_again if again else self._search.retriever.retrieve
            began = time.monotonic()
            chunks = await find(task)
            seconds = time.monotonic() - began
        if any(chunk.path == self._path(task) for chunk in chunks):
            raise Leaked(f"Retrieval for {self._name}/{self._path(task)} found that file: this is a mistake of rung's.")
        return {
            "chunks": [[chunk.path, chunk.first_line, chunk.text] for chunk in chunks],
            "seconds": round(seconds, 5),
        }

    def _key(self, task: Task, *, again: bool) -> str:
        rejected = asdict(task.rejected) if again and task.rejected else None
        text = json.dumps(["retrieval", self._name, self._path(task), task.prefix, task.suffix, rejected])
        return hashlib.sha256(text.encode()).hexdigest()

    def _path(self, task: Task) -> str:
        """Relative: where the copy of the tree lies differs between runs."""
        return (task.path or self._root).relative_to(self._root).as_posix()
