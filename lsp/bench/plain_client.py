"""A language client that does nothing but frames and JSON, so that its own work is not taken for the server's."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rung.models.bench.work import BenchFailed

_ANSWER_S = 120.0
_STOP_S = 10.0
_LIMIT = 1 << 26


class PlainClient:
    """Speaks to a server process over its standard streams. Made in the event loop, which then reads the answers."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    def notify(self, method: str, params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def begin(self, method: str, params: object = None) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """The request's id, and its answer to come: the whole message, also where that is an error.

        It may be waited for or left; it raises BenchFailed where the server ends before.
        """
        self._next_id += 1
        answer = self._waiting[self._next_id] = asyncio.get_running_loop().create_future()
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        if self._reading.done():
            self._end()
        return self._next_id, answer

    async def request(self, method: str, params: object = None) -> Any:
        """Raises BenchFailed where the server refuses, ends, or does not answer."""
        _, answer = self.begin(method, params)
        try:
            message = await asyncio.wait_for(answer, _ANSWER_S)
        except TimeoutError:
            raise BenchFailed(f"rung serve did not answer {method}.") from None
        if "error" in message:
            raise BenchFailed(f"rung serve refused {method}: {message['error'].get('message')}")
        return message["result"]

    async def command(self, name: str, *arguments: object) -> Any:
        return await self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    async def stop(self) -> None:
        """As a well-behaved editor; by force where that does not end it."""
        with suppress(BenchFailed):
            await self.request("shutdown")
            self.notify("exit", None)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._reading

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        with suppress(ConnectionError):  # its end is told by the read
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    self._take(await self._receive())
        finally:
            self._end()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            answer = self._waiting.pop(message.get("id", 0), None)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif "id" in message:  # a question of the server: nothing to say to it
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})

    def _end(self) -> None:
        """The server is gone: nobody waits any longer."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BenchFailed("rung serve ended before it answered."))
                answer.exception()  # also where nobody waits for it
        self._waiting.clear()

    async def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        header = await self._process.stdout.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in header.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        message: dict[str, Any] = json.loads(await self._process.stdout.readexactly(length))
        return message


async def start_client(command: Sequence[str], environment: Mapping[str, str]) -> PlainClient:
    return PlainClient(
        await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=dict(environment), limit=_LIMIT
        )
    )
