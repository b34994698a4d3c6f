"""The server's process: it listens, loads, answers, and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from rung.models.server.http.answering import Answering
from rung.models.server.http.app import server_app
from rung.models.server.http.desk import Desk
from rung.models.server.http.keys import Keys, loopback
from rung.models.server.http.listening import Address, CannotServe, listen

Load = Callable[[], Answering]
Say = Callable[[str], None]

_KEEP_ALIVE_S = 75  # httpx leaves an idle connection after 5 s: the server must not close it just then
_FAREWELL_S = 3  # for the last bytes to clients
_ENDING_S = 15.0  # for the engine to end what runs longer than it may


def serve(address: Address, keys: Keys, load: Load, *, grace: float, say: Say) -> None:
    """Until SIGTERM or Ctrl-C, and then until what runs has ended: at most `grace` seconds, or until the next signal.

    load: blocks, in a thread of its own. Raises CannotServe, and what `load` raises.
    """
    if not keys and not loopback(address.host):
        raise CannotServe(
            f"Whoever reaches {address.host} could use the model: name a key with --key-env, or listen on 127.0.0.1."
        )
    with listen(address) as listener:
        ended = asyncio.run(_Process(keys, grace, say).run(listener, load))
    if not ended:
        # a thread that loads or computes cannot be told to stop, and Python would wait for it
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def http_server(app: ASGIApp) -> uvicorn.Server:
    """Leaves signals alone, and logs nothing of a request."""
    return _Uvicorn(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_FAREWELL_S,
        )
    )


class _Process:
    def __init__(self, keys: Keys, grace: float, say: Say) -> None:
        self._desk = Desk()
        self._grace = grace
        self._say = say
        self._signals: asyncio.Queue[None] = asyncio.Queue()
        self._server = http_server(server_app(self._desk, keys))

    async def run(self, listener: socket.socket, load: Load) -> bool:
        """Whether all that was begun has ended."""
        with _heeding(self._signals):
            answering = asyncio.create_task(self._server.serve([listener]))
            self._say(f"Listening at {_url(listener)}; the model is being loaded.")
            try:
                return await self._until_told(load)
            finally:
                self._desk.close()
                self._server.should_exit = True
                await answering

    async def _until_told(self, load: Load) -> bool:
        loading = asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1, "rung-load"), load)
        told = asyncio.create_task(self._signals.get())
        await asyncio.wait((loading, told), return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            self._say("Stopped while the model was being loaded.")
            return False
        engine = loading.result()
        self._desk.open(engine)
        with_fim = "with" if engine.fim else "without"
        self._say(f"{engine.name} is ready: {engine.context:,} tokens of context, {with_fim} fill-in-the-middle.")
        await told
        self._say(f"Shutting down: what runs has {self._grace:g} s to end.")
        self._desk.close()
        return await self._end(engine)

    async def _end(self, engine: Answering) -> bool:
        closing = asyncio.create_task(engine.close(self._grace))
        again = asyncio.create_task(self._signals.get())
        await asyncio.wait((closing, again), timeout=self._grace + _ENDING_S, return_when=asyncio.FIRST_COMPLETED)
        if closing.done():
            return closing.result()
        closing.cancel()
        try:
            return await asyncio.wait_for(engine.close(0), _ENDING_S)
        except TimeoutError:
            return False


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """It would end the process by the signal, with a status that is not 0."""
        yield


@contextmanager
def _heeding(signals: asyncio.Queue[None]) -> Iterator[None]:
    """Every SIGTERM and SIGINT is put into `signals`."""
    loop = asyncio.get_running_loop()

    def told(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(signals.put_nowait, None)

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
