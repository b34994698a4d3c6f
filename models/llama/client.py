"""The local model: finds or starts its worker on demand, and again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from rung.models.llama.link import Link, WorkerRested
from rung.models.llama.order import Sharing
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import (
    Generation,
    ModelError,
    ModelUnavailable,
    OnSample,
    OnToken,
    Priority,
    Prompt,
    Sampling,
)

T = TypeVar("T")

_CRASHES = 3
_CRASH_WINDOW_S = 60.0
_TRIES = 3


class LlamaModel:
    """A GGUF checkpoint behind the `Model` protocol.

    context, threads, cache_mb, gpu_layers, exact, drafts: see `EngineSettings`; cache_mb None is its default.
    sharing: None starts a worker of its own, which ends with this model; otherwise all servers of the user share one
    for the same checkpoint and settings, and it stays a while. on_crash: told one sentence each time the worker ends
    unasked.
    A worker that crashed three times within a minute is left alone for the rest of that minute.
    """

    def __init__(
        self,
        name: str,
        checkpoint: Path,
        *,
        context: int = 2048,
        threads: int | None = None,
        cache_mb: int | None = None,
        gpu_layers: int | None = None,
        exact: bool = False,
        drafts: bool = True,
        sharing: Sharing | None = None,
        on_crash: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._checkpoint = checkpoint
        self._engine = EngineSettings(
            context=context,
            cache_mb=EngineSettings().cache_mb if cache_mb is None else cache_mb,
            threads=threads,
            gpu_layers=gpu_layers,
            exact=exact,
            drafts=drafts,
        )
        self._sharing = sharing
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
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """See `Model`. Raises ModelUnavailable where the worker cannot be started or ends meanwhile."""
        return await self._asked(
            lambda link, identifier: link.generate(identifier, prompt, sampling, on_token, on_sample)
        )

    async def warm(self, prompt: Prompt, sampling: Sampling) -> None:
        """Evaluate the prompt ahead of a request that may follow, when nothing else is to be done.

        Cancelling stops it at once. Never raises ModelError: nobody waits for it, a crash is told by `on_crash`, and
        whatever else is wrong the request itself will say.
        """
        ahead = replace(sampling, n=0, priority=Priority.BACKGROUND)
        with contextlib.suppress(ModelError):
            await self.generate(prompt, ahead)

    async def status(self) -> dict[str, Any]:
        """What the worker says of itself: pid, memory (bytes or None), connections, running.

        And the tokens that it has "evaluated" of prompts and "generated" so far. Raises ModelError.
        """
        return await self._asked(lambda link, identifier: link.status(identifier))

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

    async def _asked(self, ask: Callable[[Link, int], Awaitable[T]]) -> T:
        rested: WorkerRested | None = None
        for _ in range(_TRIES):
            link = await self._linked()
            try:
                return await ask(link, next(self._identifiers))
            except WorkerRested as error:
                rested = error
        raise rested or ModelUnavailable(f"The local model {self._name} did not answer.")

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
            await link.open(self._checkpoint, self._engine, self._sharing)
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
