"""A server on 127.0.0.1 that answers as a test tells it, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Connection:
    """One request, and the means to answer it. body: of a POST; {} otherwise."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def begin(self, content_type: str = "text/event-stream", more: str = "") -> None:
        await self.send(f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}Connection: close\r\n\r\n".encode())

    async def event(self, event: object) -> None:
        data = event if isinstance(event, str) else json.dumps(event)
        await self.send(f"data: {data}\n\n".encode())

    async def stream(self, *events: object) -> None:
        await self.begin()
        for event in events:
            await self.event(event)

    async def text(self, *pieces: str, reason: str = "stop", index: int = 0) -> None:
        """A whole answer of one sample."""
        await self.stream(*(piece(text, index=index) for text in pieces), piece("", index, reason=reason), "[DONE]")

    async def status(self, status: int, body: str = "", headers: str = "") -> None:
        length = len(body.encode())
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        await self.send((head + body).encode())

    async def refuse(self, message: str, status: int = 400) -> None:
        await self.status(status, json.dumps({"error": {"message": message}}))

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        try:
            while await self.reader.read(1024):
                pass
        except ConnectionError:
            return


Answer = Callable[[Connection], Awaitable[None]]


@dataclass
class Server:
    """url: with /v1. bodies: of all requests so far. disconnected: set when a client left in `gone`."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: int = 0
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)


def piece(text: str, index: int = 0, *, logprob: float | None = None, reason: str | None = None) -> dict[str, Any]:
    logprobs = None if logprob is None else {"tokens": [text], "token_logprobs": [logprob]}
    return {"choices": [{"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}]}


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Server]:
    """The n-th request gets the n-th answer, and all later ones the last."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        server.connections += 1
        try:
            connection = await _read(reader, writer)
            server.bodies.append(connection.body)
            server.headers.append(connection.headers)
            server.paths.append(connection.path)
            await answers[min(len(server.bodies), len(answers)) - 1](connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            server.disconnected.set()
        finally:
            tasks.discard(task)
            writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        listener.close()
        for task in set(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Connection:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Connection(head[0].split()[1], headers, json.loads(body or b"{}"), reader, writer)
