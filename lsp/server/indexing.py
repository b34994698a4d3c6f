"""The progress of the index of a project's code, in the editor."""

from __future__ import annotations

import asyncio

from rung.cascade.retrieval import Progress as Indexed
from rung.lsp.server.progress import Progress
from rung.lsp.server.protocol import RungProtocol, log_if_failed

_PATIENCE_S = 1.0  # an index that is nearly there needs no show


class Indexing:
    """One at a time is shown; clients that show no progress are told nothing."""

    def __init__(self, protocol: RungProtocol) -> None:
        self._protocol = protocol
        self._showing: asyncio.Task[None] | None = None
        self._shown: Progress | None = None
        self._ended = asyncio.Event()

    def tell(self, indexed: Indexed) -> None:
        """How far the index is."""
        if indexed.ended or indexed.note is not None:
            self._ended.set()
        elif self._showing is None or self._showing.done():
            window = self._protocol.client_capabilities.window
            if window is not None and window.work_done_progress:
                self._ended.clear()
                self._showing = asyncio.get_running_loop().create_task(self._show())
                self._showing.add_done_callback(lambda ended: log_if_failed("Showing how far the index is", ended))
        if self._shown is not None:
            self._shown.report(f"{indexed.files:,} of {indexed.of:,} files")

    def close(self) -> None:
        self._ended.set()

    async def _show(self) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), _PATIENCE_S)
        except TimeoutError:
            async with Progress(self._protocol, "rung reads the project") as self._shown:
                await self._ended.wait()
        finally:
            self._shown = None
