"""The events of one answer, and how long they took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rung.models.server.asked import Counted, EngineFailed, Event, Piece
from rung.models.server.http.metrics import Metrics

Events = AsyncGenerator[Event, None]

_SILENCE_S = 600.0  # an engine that says nothing for so long, not even to one that waits its turn, has hung


async def timed(events: Events, samples: int, metrics: Metrics) -> Events:
    """The same events, told to `metrics`; raises EngineFailed where none comes for ten minutes."""
    began = time.monotonic()
    first_s: float | None = None
    async with aclosing(events):
        while (event := await _next(events)) is not None:
            if first_s is None and isinstance(event, Piece):
                first_s = time.monotonic() - began
                metrics.begun(first_s)
            if isinstance(event, Counted):
                metrics.answered(event, samples, first_s, time.monotonic() - began)
            yield event


async def _next(events: Events) -> Event | None:
    try:
        async with asyncio.timeout(_SILENCE_S):
            return await anext(events, None)
    except TimeoutError:
        raise EngineFailed(f"The engine gave nothing within {_SILENCE_S:g} s.") from None
