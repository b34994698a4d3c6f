"""A line for each request: what is in it comes from the server, never from the client."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rung.models.server.http.metrics import Metrics

GONE = 499  # as nginx calls it
COMPLETIONS = "/v1/completions"
_PATHS = (COMPLETIONS, "/v1/models", "/health", "/metrics")

_LOG = logging.getLogger(__name__)


class Logged:
    """Notes each request's status and seconds; 499 where the client did not get its whole answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status, complete = time.monotonic(), GONE, False

        async def heard(message: Message) -> None:
            nonlocal status, complete
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, heard)
        except Exception:
            status, complete = 500, True  # starlette answers so, above this
            raise
        finally:
            self._note(scope, status if complete else GONE, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # any other path, and the query, are the client's own text
        path = scope["path"] if scope["path"] in _PATHS else "(another path)"
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "(another method)"
        client = scope["client"][0] if scope.get("client") else "-"
        _LOG.info("%s %s %s %d %.3f s", client, method, path, status, seconds)
        if path == COMPLETIONS:
            self._metrics.ended(status)
