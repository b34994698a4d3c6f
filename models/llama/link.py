"""One connection to a worker, seen from the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rung.models.llama import wire
from rung.models.llama.channel import Channel, open_channel
from rung.models.llama.last_words import obituary, read_last_words
from rung.models.llama.order import Sharing
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import (
    Generation,
    InvalidResponse,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    OnSample,
    OnToken,
    Prompt,
    Sampling,
)

_LOAD_S = 120.0
_CLOSE_S = 2.0


class WorkerRested(ModelUnavailable):
    """It ended because nothing was asked of it, and did not begin what was asked just then: ask the next one."""


@dataclass(slots=True)
class _Waiting:
    answer: asyncio.Future[Any]
    on_token: OnToken | None = None
    on_sample: OnSample | None = None


class Link:
    """From the connection to its end. on_crash: told one sentence if the worker ends unasked."""

    def __init__(self, name: str, *, on_crash: Callable[[str], None]) -> None:
        self._name = name
        self._on_crash = on_crash
        self._channel: Channel | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._ended = False

    @property
    def pid(self) -> int | None:
        """Of the worker, once it is ready."""
        return self._ready.result() if self._ready.done() and not self._ready.exception() else None

    @property
    def alive(self) -> bool:
        return self._channel is not None and not self._ended

    async def open(self, checkpoint: Path, engine: EngineSettings, sharing: Sharing | None) -> None:
        """Connect, start the worker if need be, and wait until the checkpoint is loaded. Raises ModelError."""
        if not await asyncio.to_thread(checkpoint.is_file):
            raise ModelUnavailable(f"The checkpoint {checkpoint} of {self._name} is not there.")
        try:
            self._channel = await open_channel(checkpoint, engine, sharing)
        except OSError as error:
            raise ModelUnavailable(f"The worker of {self._name} cannot be started: {error.strerror}.") from None
        self._listening = asyncio.create_task(self._listen(self._channel))
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), _LOAD_S)
        except TimeoutError:
            raise ModelTimeout(f"The local model {self._name} was not loaded within {_LOAD_S:.0f} s.") from None

    async def generate(
        self,
        identifier: int,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None,
        on_sample: OnSample | None,
    ) -> list[Generation]:
        """Raises WorkerRested, and other ModelErrors."""
        message = wire.request(identifier, prompt, sampling, stream=on_token is not None or on_sample is not None)
        generations: list[Generation] = await self._ask(identifier, message, on_token, on_sample)
        return generations

    async def status(self, identifier: int) -> dict[str, Any]:
        """What the worker says of itself. Raises as `generate`."""
        status: dict[str, Any] = await self._ask(identifier, {"status": identifier})
        return status

    async def close(self) -> None:
        """End the connection, within two seconds by force. A worker of our own ends with it."""
        self._closing = True
        channel = self._channel
        if channel is None:
            return
        channel.writer.close()
        if self._listening is not None:
            _, late = await asyncio.wait({self._listening}, timeout=_CLOSE_S)
            if late:
                self._kill(channel)
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _ask(
        self,
        identifier: int,
        message: dict[str, Any],
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = _Waiting(answer, on_token, on_sample)
        try:
            await self._send(message)
            return await answer
        except asyncio.CancelledError:
            if self.alive and self._channel is not None:
                self._channel.writer.write(wire.pack({"cancel": identifier}))
            raise
        finally:
            self._waiting.pop(identifier, None)

    async def _send(self, message: dict[str, Any]) -> None:
        if not self.alive or self._channel is None:
            raise WorkerRested(f"The local model {self._name} has just ended; it restarts with the next request.")
        with contextlib.suppress(ConnectionError):  # its end is told by _listen, once, with the reason
            self._channel.writer.write(wire.pack(message))
            await self._channel.writer.drain()

    async def _listen(self, channel: Channel) -> None:
        failure: ModelError | None = None
        try:
            with contextlib.suppress(ConnectionError):
                while line := await channel.reader.readline():
                    self._take(wire.unpack(line))
        except (ValueError, KeyError, TypeError):
            failure = InvalidResponse(f"The worker of {self._name} said something that is not its protocol.")
            self._kill(channel)
        except BaseException:
            self._kill(channel)  # nobody hears this worker any more
            raise
        finally:
            code = await channel.process.wait() if channel.process is not None else None
            self._end(failure or self._farewell(channel, code))
            channel.log.close()
            channel.writer.close()

    def _kill(self, channel: Channel) -> None:
        channel.writer.transport.abort()  # what was not sent yet is not waited for
        if channel.process is not None:
            with contextlib.suppress(ProcessLookupError):
                channel.process.kill()

    def _take(self, message: dict[str, Any]) -> None:
        if "tokens" in message:
            waiting = self._waiting.get(message["tokens"])
            if waiting and waiting.on_token:
                for sample, token in message["of"]:
                    waiting.on_token(wire.identifier_of(sample), wire.token_of(token))
        elif "ended" in message:
            waiting = self._waiting.get(message["ended"])
            if waiting and waiting.on_sample:
                waiting.on_sample(wire.identifier_of(message["sample"]), wire.text_of(message["text"]))
        elif "done" in message:
            self._settle(message["done"], [wire.generation_of(values) for values in message["generations"]])
        elif "error" in message:
            self._settle(message["error"], ModelRefused(f"{self._name}: {message['message']}"))
        elif "status" in message:
            self._settle(message["status"], message)
        elif "ready" in message:
            self._ready.set_result(wire.identifier_of(message["ready"]["pid"]))
        elif "failed" in message:
            # Told by the worker in its own words: not a crash.
            self._closing = True
            self._end(ModelUnavailable(f"The local model {self._name} cannot be used: {message['failed']}."))
        elif "refused" in message:
            raise ValueError("the worker did not understand this server")
        # "cancelled" needs no answer: who asked is gone

    def _settle(self, identifier: int, result: object) -> None:
        waiting = self._waiting.get(identifier)
        if waiting is None or waiting.answer.done():
            return
        if isinstance(result, ModelError):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)

    def _farewell(self, channel: Channel, code: int | None) -> ModelError:
        words = read_last_words(channel.log)
        if words.rested:
            return WorkerRested(f"The local model {self._name} rests; it restarts with the next request.")
        return ModelUnavailable(obituary(self._name, words, code))

    def _end(self, error: ModelError) -> None:
        if self._ended:
            return
        self._ended = True
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # read once here: nobody may be waiting any more
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        if not self._closing and not isinstance(error, WorkerRested):
            self._on_crash(str(error))
