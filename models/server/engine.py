"""The engine: requests from an event loop, forward passes in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rung.models.server.asked import Asked, Busy, Counted, EngineFailed, Event, Load, Refused
from rung.models.server.batch import Batch
from rung.models.server.forward import Forward
from rung.models.server.job import Emit, Job
from rung.models.server.vocabulary import Vocabulary

_LOG = logging.getLogger(__name__)
_AGAIN_S = 1
_JOIN_S = 10.0
# Tokens of prompts in one pass, which those who are in the middle of a text wait for.
_CHUNK_CPU, _CHUNK_GPU = 128, 1024


class Engine:
    """Answers requests until it is closed.

    name: as clients call the model. context: tokens of a prompt with its answer. batch: samples at once.
    waiting: requests that may wait for their turn. keep_tokens: of ended texts, for prompts that begin like them.
    """

    def __init__(
        self,
        name: str,
        forward: Forward,
        vocabulary: Vocabulary,
        *,
        context: int,
        batch: int,
        waiting: int,
        keep_tokens: int,
    ) -> None:
        self.name = name
        self.context = context
        self.fim = vocabulary.fim is not None
        self._vocabulary = vocabulary
        self._most_open = batch + waiting
        chunk = _CHUNK_CPU if forward.device.type == "cpu" else _CHUNK_GPU
        self._batch = Batch(forward, vocabulary, batch, chunk, keep_tokens)
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._open = 0
        self._listeners: set[Emit] = set()
        self._closing = False
        self._quiet = asyncio.Event()  # nothing is open
        self._quiet.set()
        self._thread = threading.Thread(target=self._run, name="rung-engine", daemon=True)
        self._thread.start()

    @property
    def load(self) -> Load:
        return self._batch.load

    async def answer(self, asked: Asked) -> AsyncGenerator[Event, None]:
        """The samples' pieces and ends, and at last Counted; closing it cancels within a token.

        Raises Refused, Busy, EngineFailed.
        """
        if self._closing:
            raise _shutting_down()
        if self._open >= self._most_open:
            raise Busy(f"{self._open} requests are open already; ask again in a moment.", _AGAIN_S)
        self._open += 1
        self._quiet.clear()
        try:
            async with aclosing(self._events(asked)) as events:
                async for event in events:
                    yield event
        finally:
            self._open -= 1
            if not self._open:
                self._quiet.set()

    async def close(self, grace: float) -> bool:
        """No new request; those that run end within `grace` seconds, or are ended.

        Whether the engine's thread has ended: a pass cannot be interrupted, and Python must not end under one.
        """
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._quiet.wait()
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join, _JOIN_S)
        for tell in list(self._listeners):  # a pass that takes longer than that: nobody waits for it
            tell(_shutting_down())
        return not self._thread.is_alive()

    async def _events(self, asked: Asked) -> AsyncGenerator[Event, None]:
        events: asyncio.Queue[Event | Exception] = asyncio.Queue()
        emit = _into(events)
        job = await asyncio.to_thread(self._job, asked, emit)
        if self._closing:  # since then
            raise _shutting_down()
        self._inbox.put(job)
        self._listeners.add(emit)
        try:
            while True:
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Counted):
                    return
        finally:
            job.cancelled = True
            self._listeners.discard(emit)

    def _job(self, asked: Asked, emit: Emit) -> Job:
        """Raises Refused where the prompt leaves no room for an answer."""
        most = self.context * self._vocabulary.longest  # characters
        if len(asked.prompt) + len(asked.suffix) > most:
            raise self._too_long(f"over {self.context}")
        prompt = self._vocabulary.prompt(asked.prompt, asked.suffix)
        room = self.context - len(prompt)
        if room < 1:
            raise self._too_long(str(len(prompt)))
        return Job(asked, prompt, self._vocabulary.draft(asked.draft[:most]), room, emit)

    def _too_long(self, tokens: str) -> Refused:
        return Refused(
            f"The prompt has {tokens} tokens, and prompt and answer together may have {self.context}.",
            "prompt",
            "context_length_exceeded",
        )

    def _run(self) -> None:
        while self._take_in():
            try:
                self._batch.step()
            except Exception:  # noqa: BLE001  a pass that fails, for want of memory or by a bug, must not end the server
                _LOG.exception("A forward pass failed")
                self._batch.fail(EngineFailed())

    def _take_in(self) -> bool:
        """What has come since the last step; waits for something where there is nothing to do. False: the end."""
        wait = self._batch.idle
        while True:
            try:
                job = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if job is None:
                self._batch.fail(_shutting_down())
                return False
            self._batch.add(job)
            wait = False


def _into(events: asyncio.Queue[Event | Exception]) -> Emit:
    """For the engine's thread."""
    loop = asyncio.get_running_loop()

    def emit(event: Event | Exception) -> None:
        # a loop that is closed took with it whoever waited
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(events.put_nowait, event)

    return emit


def _shutting_down() -> Busy:
    return Busy("The server is shutting down; ask again when it is back.", _AGAIN_S)
