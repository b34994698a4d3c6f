"""The events of one answer, and how long they took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from rung.models.server.asked import Counted, EngineFailed, Event, Piece
from rung.models.server.http.metrics import Metrics

Events = AsyncGenerator[Event, None]

_SILENCE_S = 600.0  # an engine that computes nothing for so long, for anybody, has hung


async def timed(events: Events, samples: int, metrics: Metrics, steps: Callable[[], int]) -> Events:
    """The same events, told to `metrics`. steps: that the engine has taken up to now.

    Raises EngineFailed where neither an event comes for ten minutes nor a step is taken.
    """
    began = time.monotonic()
    first_s: float | None = None
    async with aclosing(events):
        while (event := await _next(events, steps)) is not None:
            if first_s is None and isinstance(event, Piece):
                first_s = time.monotonic() - began
                metrics.begun(first_s)
            if isinstance(event, Counted):
                metrics.answered(event, samples, first_s, time.monotonic() - began)
            yield event


async def _next(events: Events, steps: Callable[[], int]) -> Event | None:
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            before = steps()
            await asyncio.wait((coming,), timeout=_SILENCE_S)
            if coming.done():
                return coming.result()
            if steps() == before:
                raise EngineFailed(f"The engine computed nothing within {_SILENCE_S:g} s.")
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.wait((coming,))
