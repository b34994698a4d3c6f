"""The progress of something long in the editor, with a button that cancels it where it can be."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from lsprotocol import types

from rung.lsp.server.protocol import ClientRefused, RungProtocol, log_failure

CREATE_S = 2.0
REPORT_EVERY_S = 0.1
MAX_MESSAGE = 200  # characters


class Progress:
    """Use it with `async with`; nothing waits for it. cancel: called at the editor's button; None: there is none."""

    def __init__(
        self,
        protocol: RungProtocol,
        title: str,
        token: types.ProgressToken | None = None,
        cancel: Callable[[], None] | None = None,
    ) -> None:
        self._protocol = protocol
        self._title = title
        self._given = token
        self._cancel = cancel
        self._token: types.ProgressToken | None = None
        self._message: str | None = None
        self._reported_at = 0.0
        self._creating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._given is not None:
            self._begin(self._given)
        else:
            self._creating = asyncio.get_running_loop().create_task(self._create())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._creating is not None:
            self._creating.cancel()
            if self._creating.done() and not self._creating.cancelled() and (failed := self._creating.exception()):
                log_failure("Showing progress", failed)
        if self._token is not None:
            self._protocol.progress.tokens.pop(self._token, None)
            self._protocol.progress.end(self._token, types.WorkDoneProgressEnd())

    def report(self, message: str) -> None:
        """At most ten in a second reach the editor."""
        self._message = message[:MAX_MESSAGE]
        if self._token is not None and time.monotonic() - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = time.monotonic()
            self._protocol.progress.report(self._token, types.WorkDoneProgressReport(message=self._message))

    async def _create(self) -> None:
        token = f"rung-{uuid.uuid4()}"
        params = types.WorkDoneProgressCreateParams(token=token)
        try:
            await self._protocol.ask(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params, CREATE_S)
        except ClientRefused:
            return
        self._begin(token)

    def _begin(self, token: types.ProgressToken) -> None:
        self._token = token
        # pygls cancels this future when the editor's button was pressed
        pressed: Future[None] = Future()
        pressed.add_done_callback(self._pressed)
        self._protocol.progress.tokens[token] = pressed
        can_cancel = self._cancel is not None
        begin = types.WorkDoneProgressBegin(title=self._title, message=self._message, cancellable=can_cancel)
        self._protocol.progress.begin(token, begin)

    def _pressed(self, pressed: Future[None]) -> None:
        if pressed.cancelled() and self._cancel is not None:
            self._cancel()
