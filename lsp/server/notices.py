"""What the user must hear, each once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from lsprotocol import types

from rung.lsp.notice import Level, Notice
from rung.lsp.server.protocol import ClientRefused, RungProtocol, log_if_failed

log = logging.getLogger(__name__)

MAX_TOLD = 1000
_TYPES = {
    Level.INFO: types.MessageType.Info,
    Level.WARNING: types.MessageType.Warning,
    Level.ERROR: types.MessageType.Error,
}


class Notices:
    """To one editor. Nothing waits for them."""

    def __init__(self, protocol: RungProtocol) -> None:
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._told: set[tuple[Level, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, notice: Notice) -> None:
        """From any thread. Its actions are not offered: who has any, asks."""
        with suppress(RuntimeError):  # the session has ended
            self._loop.call_soon_threadsafe(self._tell, notice)

    async def ask(self, notice: Notice) -> str | None:
        """The action that the user chose, whenever that is; None: none, or it was asked before."""
        if not self._is_new(notice):
            return None
        actions = [types.MessageActionItem(title=action) for action in notice.actions]
        params = types.ShowMessageRequestParams(type=_TYPES[notice.level], message=notice.text, actions=actions)
        try:
            chosen = await self._protocol.ask(types.WINDOW_SHOW_MESSAGE_REQUEST, params, limit=None)
        except ClientRefused as error:
            log.info("%s", error)
            return None
        return chosen.title if chosen is not None and chosen.title in notice.actions else None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside everything else, until the session ends."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _tell(self, notice: Notice) -> None:
        if not self._is_new(notice):
            return
        kind = _TYPES[notice.level]
        if notice.level is Level.INFO:
            self._protocol.notify(types.WINDOW_LOG_MESSAGE, types.LogMessageParams(type=kind, message=notice.text))
        else:
            self._protocol.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=kind, message=notice.text))

    def _is_new(self, notice: Notice) -> bool:
        key = (notice.level, notice.text)
        if key in self._told or len(self._told) >= MAX_TOLD:
            return False
        self._told.add(key)
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        log_if_failed("A notice", task)
