"""`rung/refresh`: a better answer for a place where something is shown already.

A request to editors that say they can: `capabilities.experimental`: `{"rung": {"refresh": true}}`. The result says
whether it is shown; it is not where the user has typed on or gone elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from lsprotocol import types

from rung.lsp.server.asked import Asked
from rung.lsp.server.protocol import ClientRefused, RungProtocol, log_if_failed

log = logging.getLogger(__name__)

REFRESH = "rung/refresh"
_SHOW_S = 2.0


@dataclass(frozen=True, slots=True)
class RefreshParams:
    """items: in place of what is shown at `position` of this version; none: it is to be hidden."""

    textDocument: types.VersionedTextDocumentIdentifier
    position: types.Position
    items: Sequence[types.InlineCompletionItem]


class Refreshing:
    """Of one editor."""

    def __init__(self, protocol: RungProtocol) -> None:
        self._protocol = protocol
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def wanted(self) -> bool:
        return self._protocol.client_extra("refresh")

    def run(self, replacing: Coroutine[None, None, None]) -> None:
        """Beside everything else, until the session ends."""
        task = asyncio.get_running_loop().create_task(replacing)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def show(self, asked: Asked, items: Sequence[types.InlineCompletionItem], shown: Callable[[], None]) -> None:
        """Where `asked` was asked. shown: called when the editor says that it does, before its next message is read."""
        document = types.VersionedTextDocumentIdentifier(asked.document.version or 0, asked.document.uri)
        params = RefreshParams(document, asked.range.end, items)
        try:
            await self._protocol.ask(REFRESH, params, _SHOW_S, lambda result: shown() if result is True else None)
        except ClientRefused as error:
            log.info("%s", error)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        log_if_failed("Showing a better answer", task)
