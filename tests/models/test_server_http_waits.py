"""Every wait of the HTTP server has a limit, which is short here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from rung.models.server.asked import Asked, Event, Load, Piece
from rung.models.server.http import body, gone, timed

from .server_http_fake import FakeEngine, complete, figures, hello, serving, waiting

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
ASKED = b'{"prompt": "x", "stream": true}'


async def test_a_client_that_does_not_read_is_taken_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_asked: Asked) -> AsyncGenerator[Event, None]:
        while True:
            yield Piece(0, "x" * 65536)

    monkeypatch.setattr(gone, "_SEND_S", 0.1)
    engine = FakeEngine(endless)
    async with serving(engine) as client:
        _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(HEAD + f"{len(ASKED)}\r\n\r\n".encode() + ASKED)
        await asyncio.wait_for(engine.released.wait(), 10)
        assert figures((await client.get("/metrics")).text)['rung_requests_total{status="499"}'] == 1
        writer.transport.abort()


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_READ_S", 0.1)
    engine = FakeEngine()
    async with serving(engine) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(HEAD + b'1000\r\n\r\n{"prompt"')
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"The request did not come within 0.1 s." in answer
    assert engine.asked == []


@pytest.mark.parametrize("stream", [False, True])
async def test_an_engine_that_hangs_is_not_waited_for(stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed, "_SILENCE_S", 0.1)
    engine = waiting()
    async with serving(engine) as client:
        answer = await complete(client, stream=stream)
    assert answer.status_code == (200 if stream else 500)
    assert "The engine computed nothing within 0.1 s." in answer.text
    assert engine.released.is_set()


async def test_who_waits_for_others_that_are_computed_is_answered_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Busy(FakeEngine):
        steps = 0

        @property
        def load(self) -> Load:
            self.steps += 1
            return replace(super().load, steps=self.steps)

    async def late(asked: Asked) -> AsyncGenerator[Event, None]:
        async with asyncio.timeout(10):
            while engine.steps < 5:  # noqa: ASYNC110  looked at after each silence
                await asyncio.sleep(0.01)
        async for event in hello(asked):
            yield event

    monkeypatch.setattr(timed, "_SILENCE_S", 0.05)
    engine = Busy(late)
    async with serving(engine) as client:
        assert (await complete(client)).status_code == 200
