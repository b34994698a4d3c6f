"""`POST /v1/completions`."""

from __future__ import annotations

from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from rung.models.server.asked import Busy, Counted, Ended, EngineFailed, Event, Piece
from rung.models.server.http.asking import Asking, read_asking
from rung.models.server.http.body import read_body
from rung.models.server.http.desk import Desk
from rung.models.server.http.errors import error_object
from rung.models.server.http.gone import patient, unless_gone
from rung.models.server.http.json_text import json_bytes
from rung.models.server.http.metrics import Metrics
from rung.models.server.http.reply import Reply
from rung.models.server.http.timed import Events, timed

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the tokens back
]


class Completions:
    """An ASGI application. What is raised before the answer begins comes out of it."""

    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._desk.engine()  # nobody uploads a body for a 503
            body = await read_body(Request(scope, receive))
            engine = self._desk.engine()
            asking = read_asking(body, engine)
            events = timed(engine.answer(asking.asked), asking.asked.n, self._metrics, lambda: engine.load.steps)
            await unless_gone(receive, self._answer(asking, Reply(engine.name, asking), events, patient(send)))
        except ClientDisconnect:
            return
        except (Busy, EngineFailed) as error:
            raise self._desk.why(error) from error

    async def _answer(self, asking: Asking, reply: Reply, events: Events, send: Send) -> None:
        async with aclosing(events):
            if asking.stream:
                await self._stream(asking, reply, events, send)
            else:
                await _send_whole(reply, events, send)

    async def _stream(self, asking: Asking, reply: Reply, events: Events, send: Send) -> None:
        # what the engine refuses, it refuses before its first event: in time for a status of its own
        event: Event | None = await anext(events)
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        try:
            while event is not None:
                chunk = _chunk(asking, reply, event)
                if chunk is not None:
                    await _send_event(send, json_bytes(chunk))
                event = await anext(events, None)
            await _send_event(send, b"[DONE]")
        except (Busy, EngineFailed) as error:
            await _send_event(send, json_bytes(error_object(self._desk.why(error))))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _chunk(asking: Asking, reply: Reply, event: Event) -> dict[str, object] | None:
    if isinstance(event, Piece):
        return reply.piece(event) if event.text or event.tokens else None
    if isinstance(event, Ended):
        return reply.end(event)
    return reply.usage(event) if asking.usage else None


async def _send_event(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})


async def _send_whole(reply: Reply, events: Events, send: Send) -> None:
    pieces: list[Piece] = []
    ends: list[Ended] = []
    counted: Counted | None = None
    async for event in events:
        match event:
            case Piece():
                pieces.append(event)
            case Ended():
                ends.append(event)
            case Counted():
                counted = event
    assert counted is not None
    body = json_bytes(reply.whole(pieces, ends, counted))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
