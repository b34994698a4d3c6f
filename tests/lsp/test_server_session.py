"""A session in this process: what takes too long or too many tries for a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.attempt import Climb
from rung.cascade.config import Settings
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Outcome
from rung.cascade.trigger import Trigger
from rung.lsp.notice import Notify
from rung.lsp.server import completion, protocol
from rung.lsp.server.session import Session

from .server_peer import completion_params, isolated

URI = "untitled:a"
INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}

methods = st.sampled_from(
    [
        "initialize",
        "shutdown",
        "textDocument/inlineCompletion",
        "textDocument/hover",
        "textDocument/didOpen",
        "textDocument/didChange",
        "workspace/executeCommand",
        "workspace/didChangeWorkspaceFolders",
        "window/workDoneProgress/cancel",
        "$/cancelRequest",
        "$/setTrace",
        "other",
    ]
)
keys = st.sampled_from(
    [
        "textDocument",
        "uri",
        "position",
        "line",
        "character",
        "context",
        "triggerKind",
        "id",
        "token",
        "command",
        "arguments",
        "contentChanges",
        "text",
        "range",
        "start",
        "end",
        "event",
        "added",
        "removed",
        "jsonrpc",
        "value",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([URI, "file://["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


class Never:
    """A completer that never answers and does not even stop at once when it is cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.release = asyncio.Event()

    def task_at(self, source_before: str, source_after: str, *, path: Path | None, language: str) -> Task:
        return Task(TaskKind.LINE, source_before, source_after)

    async def complete(
        self,
        task: Task,
        trigger: Trigger,
        on_progress: object = None,
        *,
        patience_s: float = 0.0,
        on_text: object = None,
        on_early: object = None,
    ) -> Climb:
        self.began.set()
        while True:
            try:
                await self.release.wait()
                return Climb("late", task, (), None, 0.0)
            except asyncio.CancelledError:
                if self.release.is_set():
                    raise

    async def ahead(self, task: Task) -> Climb:
        return await self.complete(task, Trigger.AUTOMATIC)

    def shown(self, climb: Climb, trigger: Trigger) -> None: ...

    def edited(self, files: object, closed: object) -> None: ...

    async def saved(self, path: Path) -> None: ...

    def on_indexing(self, tell: object) -> None: ...

    async def warm(self, task: Task) -> None: ...

    async def outcome(self, request_id: str, outcome: Outcome) -> None: ...

    def explain(self, request_id: str | None = None) -> dict[str, object]:
        return {}

    async def status(self) -> dict[str, object]:
        return {}

    async def close(self) -> None:
        self.release.set()


class Collected:
    """A sink."""

    lost = False

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.news = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data.partition(b"\r\n\r\n")[2]))
        self.news.set()

    async def close(self) -> None: ...

    async def answer(self, message_id: int) -> dict[str, Any]:
        while True:
            found = [m for m in self.messages if m.get("id") == message_id and "method" not in m]
            if found:
                return found[0]
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)


class Fed:
    """A source that has no end until it is told."""

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def read(self) -> bytes:
        await self.end.wait()
        return b""


class Open:
    """A session with its two ends and its completer."""

    def __init__(self) -> None:
        self.sink = Collected()
        self.completer = Never()
        self.session = Session(self._make, Fed(), self.sink, watch_parent=False)

    def _make(self, settings: Settings, notify: Notify) -> Never:
        return self.completer

    def send(self, method: str, params: object, message_id: object = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        self.session.protocol.receive(json.dumps(message | ({} if message_id is None else {"id": message_id})).encode())

    def open(self) -> None:
        self.send("initialize", INITIALIZE, 0)
        document = {"uri": URI, "languageId": "python", "version": 1, "text": "x"}
        self.send("textDocument/didOpen", {"textDocument": document})

    async def close(self) -> int:
        self.session.end(0)
        return await self.session.run()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in isolated(tmp_path).items():
        monkeypatch.setenv(name, value)


async def test_a_climb_that_outlasts_its_deadline_is_answered_with_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "GRACE_S", -2.9)  # the deadline of a line is 3 s
    opened = Open()
    opened.open()
    opened.send("textDocument/inlineCompletion", completion_params(URI, 0, 1), 1)
    answer = await opened.sink.answer(1)
    assert answer["result"] is None
    assert opened.completer.began.is_set()
    opened.completer.release.set()
    assert await opened.close() == 0


async def test_a_climb_that_does_not_stop_delays_no_answer_to_a_cancellation() -> None:
    opened = Open()
    opened.open()
    opened.send("textDocument/inlineCompletion", completion_params(URI, 0, 1), 1)
    await asyncio.wait_for(opened.completer.began.wait(), 10)
    opened.send("$/cancelRequest", {"id": 1})
    assert (await opened.sink.answer(1))["error"]["code"] == -32800
    opened.completer.release.set()
    assert await opened.close() == 0


async def test_a_flood_of_requests_is_refused_and_every_one_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_OPEN_REQUESTS", 10)
    opened = Open()
    opened.open()
    for number in range(1, 31):
        opened.send("textDocument/inlineCompletion", completion_params(URI, 0, 1), number)
    codes = Counter(m["error"]["code"] for m in opened.sink.messages if "error" in m)
    assert codes == {-32803: 20}
    opened.send("textDocument/didClose", {"textDocument": {"uri": URI}})
    for number in range(1, 11):
        assert (await opened.sink.answer(number))["result"] is None
    opened.completer.release.set()
    assert await opened.close() == 0


@given(st.lists(st.tuples(methods, values, st.booleans()), max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_request_is_answered_exactly_once(messages: list[tuple[str, object, bool]]) -> None:
    async def session() -> Counter[object]:
        opened = Open()
        opened.open()
        for number, (method, params, is_request) in enumerate(messages, 1):
            opened.send(method, params, number if is_request else None)
        assert await opened.close() == 0
        await asyncio.sleep(0)
        return Counter(m["id"] for m in opened.sink.messages if "method" not in m)

    answers = asyncio.run(session())
    assert answers == Counter([0, *(number for number, sent in enumerate(messages, 1) if sent[2])])


@given(st.binary(max_size=60) | st.recursive(values, st.lists).map(lambda value: json.dumps(value).encode()))
@settings(max_examples=60, deadline=None)
def test_no_body_ends_the_session(body: bytes) -> None:
    async def session() -> dict[str, Any]:
        opened = Open()
        opened.open()
        opened.session.protocol.receive(body)
        opened.send("rung/other", {}, 77)
        answer = await opened.sink.answer(77)
        await opened.close()
        return answer

    assert asyncio.run(session())["error"]["code"] == -32601
