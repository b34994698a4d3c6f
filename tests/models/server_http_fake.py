"""An engine that answers as a test tells it, behind the real HTTP server; run as a program, in the real process."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from rung.models.server.asked import Asked, Busy, Counted, Ended, Event, Load, Piece, Scored
from rung.models.server.http.app import server_app
from rung.models.server.http.desk import Desk
from rung.models.server.http.keys import Keys
from rung.models.server.http.listening import Address, CannotServe, listen
from rung.models.server.http.serving import http_server, serve

Script = Callable[[Asked], AsyncGenerator[Event, None]]
COUNTED = Counted(prompt=7, cached=3, generated=2, accepted=1, rejected=4)
TOKENS = Counted(prompt=70, cached=30, generated=20, accepted=10, rejected=40)  # since its start


async def hello(asked: Asked) -> AsyncGenerator[Event, None]:
    """Each sample in two tokens."""
    for text, logprob in (("hel", -0.5), ("lo", -1.5)):
        for index in range(asked.n):
            tokens = (Scored(text, logprob, ((text, logprob), ("x", -3.0))),) if asked.top is not None else ()
            yield Piece(index, text, tokens)
    for index in range(asked.n):
        yield Ended(index, "stop")
    yield COUNTED


class FakeEngine:
    """asked: all requests. begun: one came. released: an answer ended or was closed. closing, cut: see `close`."""

    name = "fake"
    context = 100
    fim = True

    def __init__(self, script: Script = hello) -> None:
        self.asked: list[Asked] = []
        self.released = asyncio.Event()
        self.begun = asyncio.Event()
        self.closing = asyncio.Event()
        self.cut = asyncio.Event()
        self._script = script
        self.failed = 0
        self._open = 0

    @property
    def load(self) -> Load:
        return Load(self._open, 5, 11, 90, 10, 2, 30, TOKENS, self.failed)

    async def answer(self, asked: Asked) -> AsyncGenerator[Event, None]:
        self.asked.append(asked)
        self._open += 1
        self.begun.set()
        try:
            async for event in self._script(asked):
                yield event
        finally:
            self._open -= 1
            self.released.set()

    async def close(self, grace: float) -> bool:
        """As the real one: what still runs then is ended by an exception."""
        self.closing.set()
        until_idle = asyncio.create_task(self._idle())
        await asyncio.wait((until_idle,), timeout=grace)
        until_idle.cancel()
        self.cut.set()
        return True

    async def _idle(self) -> None:
        while self._open:
            self.released.clear()
            await self.released.wait()


def waiting() -> FakeEngine:
    """Gives one piece of a text; "finish" ends when the engine begins to close, "say" when that cuts it off."""

    async def script(asked: Asked) -> AsyncGenerator[Event, None]:
        yield Piece(0, "one")
        if asked.prompt == "finish":
            await engine.closing.wait()
            yield Ended(0, "length")
            yield COUNTED
            return
        await engine.cut.wait()
        raise Busy("ended", 1)

    engine = FakeEngine(script)
    return engine


@asynccontextmanager
async def serving(
    engine: FakeEngine | None, keys: str = "", desk: Desk | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server; engine: None while it is being loaded."""
    desk = desk or Desk()
    if engine is not None:
        desk.open(engine)
    server = http_server(server_app(desk, Keys(keys)))
    with listen(Address("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
                yield client
        finally:
            server.should_exit = True
            await running


async def complete(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/completions", json={"prompt": "say", **fields})


def events(response: httpx.Response) -> list[Any]:
    """Of a stream: JSON, or the text of what is none."""
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [json.loads(line) if line.startswith("{") else line for line in lines]


def figures(text: str) -> dict[str, float]:
    """Of /metrics, by name and labels."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def main(kind: str, port: int, grace: float) -> None:
    """`serve` with an engine that is ready at once ("ready"), or never ("loading")."""

    def load() -> FakeEngine:
        if kind == "loading":
            threading.Event().wait()
        return waiting()

    try:
        serve(Address("127.0.0.1", port), Keys(""), load, grace=grace, say=lambda said: print(said, flush=True))
    except CannotServe as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
