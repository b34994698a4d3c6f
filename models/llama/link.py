"""One life of a worker process, seen from the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rung.models.llama import wire
from rung.models.protocol import (
    Generation,
    InvalidResponse,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    Prompt,
    Sampling,
    Token,
)

_LOAD_S = 120.0
_CLOSE_S = 2.0
_WRONG_BUILD = {signal.SIGILL, signal.SIGSEGV} if sys.platform != "win32" else set()


@dataclass(slots=True)
class _Waiting:
    answer: asyncio.Future[list[Generation]]
    on_token: Callable[[int, Token], None] | None


class Link:
    """A worker, from its start to its end. on_crash: told one sentence if it ends unasked."""

    def __init__(self, name: str, *, on_crash: Callable[[str], None]) -> None:
        self._name = name
        self._on_crash = on_crash
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, _Waiting] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last_words: deque[str] = deque(maxlen=5)
        self._closing = False
        self._ended = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and not self._ended

    async def open(self, checkpoint: Path, context: int, threads: int) -> None:
        """Start the worker and wait until the checkpoint is loaded. Raises ModelError."""
        if not await asyncio.to_thread(checkpoint.is_file):
            raise ModelUnavailable(f"The checkpoint {checkpoint} of {self._name} is not there.")
        self._process = await self._spawn(checkpoint, context, threads)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._overhear())]
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), _LOAD_S)
        except TimeoutError:
            raise ModelTimeout(f"The local model {self._name} was not loaded within {_LOAD_S:.0f} s.") from None

    async def generate(
        self,
        identifier: int,
        prompt: Prompt,
        sampling: Sampling,
        on_token: Callable[[int, Token], None] | None,
    ) -> list[Generation]:
        answer: asyncio.Future[list[Generation]] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = _Waiting(answer, on_token)
        try:
            await self._send(wire.request(identifier, prompt, sampling, on_token is not None))
            return await answer
        except asyncio.CancelledError:
            with contextlib.suppress(ModelUnavailable):
                self._write({"cancel": identifier})
            raise
        finally:
            self._waiting.pop(identifier, None)

    async def close(self) -> None:
        """End the worker; within two seconds by force."""
        self._closing = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        except TimeoutError:
            self._kill()
            await process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _spawn(self, checkpoint: Path, context: int, threads: int) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rung.models.llama.worker", str(checkpoint), str(context), str(threads)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=wire.LINE_LIMIT,
                # Threads that wait by spinning would take the cores from the editor.
                # A crash must not first start a debugger to print a backtrace.
                env={
                    **os.environ,
                    "OMP_WAIT_POLICY": "passive",
                    "OMP_NUM_THREADS": str(threads),
                    "GGML_NO_BACKTRACE": "1",
                },
            )
        except OSError as error:
            raise ModelUnavailable(f"The worker of {self._name} cannot be started: {error.strerror}.") from None

    async def _send(self, message: dict[str, Any]) -> None:
        self._write(message)
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # its end is told by _listen, once, with the reason
            await self._process.stdin.drain()

    def _write(self, message: dict[str, Any]) -> None:
        if not self.alive or self._process is None or self._process.stdin is None:
            raise ModelUnavailable(f"The local model {self._name} has just ended; it restarts with the next request.")
        self._process.stdin.write(wire.pack(message))

    async def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        failure: ModelError | None = None
        try:
            while line := await self._process.stdout.readline():
                self._take(wire.unpack(line))
        except (ValueError, KeyError, TypeError):
            failure = InvalidResponse(f"The worker of {self._name} said something that is not its protocol.")
            self._kill()
        except BaseException:
            self._kill()  # nobody hears this worker any more
            raise
        finally:
            code = await self._process.wait()
            self._end(failure or ModelUnavailable(self._obituary(code)), crashed=not self._closing)

    def _kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _overhear(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):  # a line longer than the limit: no words worth keeping
            while line := await self._process.stderr.readline():
                self._last_words.append(line.decode("utf-8", "replace").strip()[:300])

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set_result(None)
        elif "failed" in message:
            # Told by the worker in its own words: not a crash.
            self._closing = True
            self._end(ModelUnavailable(f"The local model {self._name} cannot be used: {message['failed']}."), False)
        elif "token" in message:
            waiting = self._waiting.get(message["token"])
            if waiting and waiting.on_token:
                waiting.on_token(message["sample"], Token(message["text"], message["logprob"]))
        elif "done" in message:
            self._settle(message["done"], [wire.generation_of(fields) for fields in message["generations"]])
        elif "error" in message:
            self._settle(message["error"], ModelRefused(f"{self._name}: {message['message']}"))
        # "cancelled" needs no answer: who asked is gone

    def _settle(self, identifier: int, result: list[Generation] | ModelError) -> None:
        waiting = self._waiting.get(identifier)
        if waiting is None or waiting.answer.done():
            return
        if isinstance(result, ModelError):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)

    def _end(self, error: ModelError, crashed: bool) -> None:
        if self._ended:
            return
        self._ended = True
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # read once here: nobody may be waiting any more
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        if crashed:
            self._on_crash(str(error))

    def _obituary(self, code: int) -> str:
        if code < 0:
            advice = ""
            if -code in _WRONG_BUILD:
                advice = "; this llama.cpp may be built for another processor, `rung doctor` tells how to build it anew"
            ended = f"was ended by {_signal_name(-code)}{advice}"
            return f"The local model {self._name} {ended}. It restarts with the next request."
        words = f" ({self._last_words[-1]})" if self._last_words else ""
        return f"The local model {self._name} ended with status {code}{words}. It restarts with the next request."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
