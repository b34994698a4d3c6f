"""The local model: starts its worker on demand, restarts it after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rung.models.llama.link import Link
from rung.models.protocol import Generation, ModelError, ModelUnavailable, Prompt, Sampling, Token

_CRASHES = 3
_CRASH_WINDOW_S = 60.0


class LlamaModel:
    """A GGUF checkpoint behind the `Model` protocol.

    context: tokens of prompt and generation together. threads: None takes one a core, at most 8.
    on_crash: told one sentence each time the worker ends unasked.
    A worker that crashed three times within a minute is left alone for the rest of that minute.
    """

    def __init__(
        self,
        name: str,
        checkpoint: Path,
        *,
        context: int = 2048,
        threads: int | None = None,
        on_crash: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._checkpoint = checkpoint
        self._context = context
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._on_crash = on_crash
        self._identifiers = itertools.count(1)
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._crashes: deque[float] = deque(maxlen=_CRASHES)
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def worker_pid(self) -> int | None:
        """Of the running worker, for the doctor and for tests."""
        return self._link.pid if self._link and self._link.alive else None

    async def start(self) -> None:
        """Load the checkpoint now rather than with the first request. Raises ModelError."""
        await self._linked()

    async def generate(
        self, prompt: Prompt, sampling: Sampling, on_token: Callable[[int, Token], None] | None = None
    ) -> list[Generation]:
        """See `Model`. Raises ModelUnavailable where the worker cannot be started or ends meanwhile."""
        link = await self._linked()
        return await link.generate(next(self._identifiers), prompt, sampling, on_token)

    async def close(self) -> None:
        self._closed = True
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            with contextlib.suppress(asyncio.CancelledError, ModelError):
                await opening
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _linked(self) -> Link:
        if self._closed:
            raise ModelUnavailable(f"The local model {self._name} is shut down.")
        if self._link is not None and self._link.alive:
            return self._link
        if self._opening is None or self._opening.done():
            self._refuse_a_crash_loop()
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_heard)
        # Shielded: a load belongs to the model, and goes on when the request that began it is cancelled.
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            if opening.cancelled():
                raise ModelUnavailable(f"The local model {self._name} is shut down.") from None
            raise

    async def _open(self) -> Link:
        link = Link(self._name, on_crash=self._crashed)
        try:
            await link.open(self._checkpoint, self._context, self._threads)
        except BaseException:
            with contextlib.suppress(ModelError):
                await link.close()
            raise
        self._link = link
        return link

    def _crashed(self, sentence: str) -> None:
        self._crashes.append(time.monotonic())
        self._on_crash(sentence)

    def _refuse_a_crash_loop(self) -> None:
        if len(self._crashes) == _CRASHES:
            rest = _CRASH_WINDOW_S - (time.monotonic() - self._crashes[0])
            if rest > 0:
                raise ModelUnavailable(
                    f"The local model {self._name} crashed {_CRASHES} times within a minute "
                    f"and is tried again in {rest:.0f} s; `rung doctor` says what is wrong with it."
                )


def _heard(opening: asyncio.Task[Link]) -> None:
    """Its error is for those who wait; if nobody does any more, the next request loads anew."""
    if not opening.cancelled():
        opening.exception()
