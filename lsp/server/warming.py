"""The prompt is evaluated while the user still types, so that the request that follows finds it in the model's cache.

The cursor is taken to be at the end of the last change. Nothing is done when a document is opened: where the cursor is
nobody has said, and the prompt of a longer file begins near the cursor, not at the file's beginning. Nothing is done
either before the editor has asked for a completion once: some never do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from rung.lsp.server.cursor import cursor_after
from rung.lsp.server.documents import Document, Place
from rung.lsp.server.pausing import Pausing
from rung.lsp.server.projects import Projects
from rung.lsp.server.protocol import log_if_failed
from rung.lsp.server.windows import text_after, text_before

# An editor that asks with every change has asked by then; one that waits for a pause waits several times as long.
PAUSE_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """Where it ended, and the document as it was then."""

    document: Document
    revision: int
    place: Place

    @property
    def is_past(self) -> bool:
        return self.document.revision != self.revision


class Warming:
    """One prompt at a time, the one of the last change: nobody types at two places at once."""

    def __init__(self, projects: Projects, pausing: Pausing) -> None:
        self._projects = projects
        self._pausing = pausing
        self._latest: _Change | None = None
        self._running: asyncio.Task[None] | None = None
        self._evaluating: asyncio.Task[None] | None = None
        self._asked = False

    def changed(self, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """The document has changed already. What is evaluated for an earlier change is cut off."""
        self.stop()
        if not self._asked or not document.in_sync or not changes:
            return
        place = cursor_after(document, changes[-1])
        if place is None:
            return
        self._latest = _Change(document, document.revision, place)
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())
            self._running.add_done_callback(self._ended)

    def asked(self) -> None:
        """A request came: the model is its alone."""
        self._asked = True
        self.stop()

    def stop(self) -> None:
        """Cut off what is evaluated; the model keeps how far it came."""
        self._latest = None
        if self._evaluating is not None:
            self._evaluating.cancel()

    async def close(self, limit: float) -> None:
        """Wait until it has stopped, at most `limit` seconds."""
        self._asked = False
        self.stop()
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=limit)

    async def _run(self) -> None:
        """Until no change is left. A thread that locates is waited for, so that there is never a second one."""
        while (change := self._latest) is not None:
            await asyncio.sleep(PAUSE_S)
            if change is not self._latest:
                continue
            await self._warm(change)
            if change is self._latest:
                self._latest = None

    async def _warm(self, change: _Change) -> None:
        document = change.document
        project = await self._projects.of(document.file)
        if project is None or change is not self._latest or change.is_past or not project.settings.config.enabled:
            return
        if self._pausing.holds(project.root):
            return
        with project.climbing():
            before, after = text_before(document, change.place), text_after(document, change.place)
            language = document.language_id or ""
            task = await asyncio.to_thread(
                project.completer.task_at, before, after, path=document.file, language=language
            )
            if task is not None and change is self._latest:
                self._evaluating = evaluating = asyncio.ensure_future(project.completer.warm(task))
                await asyncio.wait({evaluating})
                self._evaluating = None
                log_if_failed("Evaluating a prompt ahead", evaluating)

    def _ended(self, running: asyncio.Task[None]) -> None:
        if self._running is running:
            self._running = None
        log_if_failed("Evaluating a prompt ahead", running)
