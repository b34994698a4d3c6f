"""A plain JSON-RPC client, so that tests can send what no library would."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAKE = [sys.executable, str(Path(__file__).with_name("server_fake.py"))]
LIMIT_S = 20.0


class Refused(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]


class Peer:
    """answers: what is answered to a request of the server, by method; others are left open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: dict[int | str, asyncio.Future[dict[str, Any]]] = {}
        self.answers: dict[str, Any] = {}
        self.received: list[dict[str, Any]] = []
        self.surplus: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._next_id = 0
        self.ended = asyncio.ensure_future(self._read())
        self.process: asyncio.subprocess.Process | None = None

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def begin(self, method: str, params: object = None) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        self._next_id += 1
        message = {"jsonrpc": "2.0", "id": self._next_id, "method": method}
        if params is not None:
            message["params"] = params
        return self._next_id, self.expect(self._next_id, message)

    def expect(self, message_id: int | str, message: object) -> asyncio.Future[dict[str, Any]]:
        future = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        self.send(message)
        return future

    async def request(self, method: str, params: object = None) -> Any:
        return result_of(await self.wait(self.begin(method, params)[1]))

    async def wait(self, future: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
        await asyncio.wait({future, self.ended}, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        assert future.done(), "the server ended" if self.ended.done() else "no answer"
        return future.result()

    async def message(self, method: str, **params: object) -> dict[str, Any]:
        """The first message of the server with this method, and these among its params, waited for."""

        def found() -> list[dict[str, Any]]:
            return [m for m in self.received if m["method"] == method and params.items() <= m["params"].items()]

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(found), LIMIT_S)
        return found()[0]

    async def initialize(self, capabilities: Mapping[str, object] | None = None, **params: object) -> dict[str, Any]:
        result = await self.request(
            "initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities or {}, **params}
        )
        self.notify("initialized", {})
        assert isinstance(result, dict)
        return result

    def open(self, uri: str, text: str, language: str = "python") -> None:
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, line: int, start: int, end: int, text: str) -> None:
        span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        self.change_with(uri, version, {"range": span, "text": text})

    def change_with(self, uri: str, version: int, *changes: object) -> None:
        identifier = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": list(changes)})

    async def complete(self, uri: str, line: int, character: int, kind: int = 2, **params: object) -> Any:
        return await self.request(
            "textDocument/inlineCompletion", completion_params(uri, line, character, kind, **params)
        )

    async def command(self, name: str, *arguments: object) -> Any:
        return await self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    async def seen(self) -> dict[str, Any]:
        """What the completer of the only project counted."""
        (project,) = (await self.command("rung.status"))["projects"]
        assert isinstance(project, dict)
        return project

    async def stop(self) -> int:
        """As a well-behaved editor: the exit status."""
        await self.request("shutdown")
        self.notify("exit")
        return await self.exit_status()

    async def exit_status(self) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)

    async def hung_up(self) -> None:
        """Wait until the server has closed its end."""
        await asyncio.wait({self.ended}, timeout=LIMIT_S)
        assert self.ended.done()

    def close_input(self) -> None:
        self._writer.close()

    async def _read(self) -> None:
        while header := await self._reader.readline():
            assert header.startswith(b"Content-Length: "), header
            assert await self._reader.readline() == b"\r\n"
            message = json.loads(await self._reader.readexactly(int(header.split()[1])))
            await self._take(message)

    async def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            async with self._news:
                self.received.append(message)
                self._news.notify_all()
            if "id" in message and message["method"] in self.answers:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": self.answers[message["method"]]})
        elif (future := self._waiting.pop(message["id"], None)) is not None:
            future.set_result(message)
        else:
            async with self._news:
                self.surplus.append(message)
                self._news.notify_all()

    async def unasked(self) -> dict[str, Any]:
        """An answer with an id that nobody waits for, such as null."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.surplus), LIMIT_S)
        return self.surplus[0]


def completion_params(uri: str, line: int, character: int, kind: int = 2, **params: object) -> dict[str, object]:
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind}, **params}


def result_of(message: dict[str, Any]) -> Any:
    if "error" in message:
        raise Refused(message["error"])
    return message["result"]


def inserted(result: Any) -> list[str]:
    return [item["insertText"] for item in result["items"]]


@asynccontextmanager
async def serving(
    folder: Path, argv: list[str] = FAKE, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Peer]:
    """A server process on its standard streams, isolated in `folder`; it must be gone at the end."""
    with (folder / "stderr.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=isolated(folder) | dict(environment or {}),
            limit=1 << 26,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    peer = Peer(process.stdout, process.stdin)
    peer.process = process
    try:
        yield peer
    finally:
        if process.returncode is None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), LIMIT_S)
        except TimeoutError:
            process.kill()
            raise
        await asyncio.wait({peer.ended}, timeout=LIMIT_S)
        peer.ended.result()


@contextmanager
def listening(folder: Path) -> Iterator[TcpServer]:
    """A server process that many tests can connect to, a session each."""
    argv = [*FAKE, "127.0.0.1:0"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, env=isolated(folder), text=True)
    assert process.stderr is not None
    log: list[str] = []
    for line in process.stderr:
        log.append(line)
        if "listens on" in line:
            break
    else:
        raise AssertionError("".join(log))
    drain = threading.Thread(target=lambda: log.extend(process.stderr or ()))
    drain.start()
    try:
        yield TcpServer(int(line.rpartition(":")[2]), process, log)
    finally:
        process.terminate()
        process.wait(LIMIT_S)
        drain.join(LIMIT_S)
        process.stderr.close()


@dataclass(frozen=True)
class TcpServer:
    port: int
    process: subprocess.Popen[str]
    log: list[str]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26)
        peer = Peer(reader, writer)
        try:
            yield peer
        finally:
            writer.close()
            await asyncio.wait({peer.ended}, timeout=LIMIT_S)
            peer.ended.result()
            await writer.wait_closed()


def isolated(folder: Path) -> dict[str, str]:
    """No file of the user's own is read or written."""
    config = folder / "config.yaml"
    if not config.exists():
        config.write_text("theta: 0.5\n")
    own = {"RUNG_CONFIG": str(config), "RUNG_DB": str(folder / "rung.db"), "XDG_DATA_HOME": str(folder / "data")}
    return {**os.environ, "PYTHONUNBUFFERED": "1", **own}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
