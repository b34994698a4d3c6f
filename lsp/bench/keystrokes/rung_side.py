"""rung, as VS Code asks it: with every change, at once, and the request before is cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from rung.cascade.bench.typing.figures import Spent
from rung.cascade.bench.typing.keys import Key
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.screen import Screen
from rung.cascade.bench.typing.stretch import Stretch
from rung.lsp.bench.keystrokes.processor import quiet
from rung.lsp.bench.keystrokes.project_copy import ProjectCopy
from rung.lsp.bench.keystrokes.side import Watch
from rung.lsp.bench.serve_session import AUTOMATIC, Session

NAME = "rung"


class RungSide:
    """An offer that agrees with what is typed stays on the screen whatever else is answered, as in VS Code."""

    name = NAME

    def __init__(self, session: Session, copy: ProjectCopy) -> None:
        self._session = session
        self._copy = copy
        self._pids = {session.client.pid}
        self._awake: set[Path] = set()
        self._screen, self._watch = Screen(), Watch()
        self._uri, self._version = "", 0
        self._end: dict[str, int] = {}
        self._asked: tuple[int, asyncio.Future[dict[str, Any]]] | None = None
        self._command: dict[str, Any] | None = None
        self._opened: list[str] = []
        self._before = Spent(None, None, None)

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(self._pids)

    async def open(self, stretch: Stretch, page: Page, screen: Screen, watch: Watch) -> None:
        self._screen, self._watch = screen, watch
        folder = self._copy.folder(stretch.tree)
        await self._wake(folder)
        names = [*stretch.neighbours, stretch.path]
        texts = [await asyncio.to_thread((folder / name).read_text, encoding="utf-8") for name in names]
        self._opened = [self._session.open(folder / name, text) for name, text in zip(names, texts, strict=True)]
        self._uri, self._version, self._end = self._opened[-1], 1, _position(page)
        self._command = None
        await quiet(self.pids)
        self._before = await self._spent()

    def acted(self, key: Key, page: Page) -> None:
        """See `Side`."""
        self._screen.typed(key)
        start = dict(self._end)
        if key.delete:
            start["character"] -= key.delete  # blanks: a code unit each
        self._change(start, key.text, page)

    def accepted(self, text: str, page: Page) -> None:
        """See `Side`. Editors report only a whole text; from what the document holds the server sees that of a part."""
        whole = self._screen.offer.rstrip() == text
        command = self._command
        self._screen.offer = ""
        self._change(dict(self._end), text, page)
        if whole and command is not None:
            arguments = {"command": command["command"], "arguments": command["arguments"]}
            self._session.client.begin("workspace/executeCommand", arguments)

    async def leave(self) -> Spent:
        """See `Side`."""
        self._cancel()
        after = await self._spent()
        for uri in self._opened:
            self._session.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return after.since(self._before)

    async def _wake(self, folder: Path) -> None:
        """A first request loads the checkpoint, as the other side's is loaded by its start."""
        if folder in self._awake:
            return
        self._awake.add(folder)
        uri = self._session.open(folder / "not_there.py", "import os\n\nos.")
        await self._session.complete(uri, 2, 3)
        self._session.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        worker = await self._session.worker()
        self._pids |= {worker} if worker is not None else set()

    def _change(self, start: dict[str, int], text: str, page: Page) -> None:
        client = self._session.client
        self._version += 1
        change = {"range": {"start": start, "end": self._end}, "text": text}
        document = {"uri": self._uri, "version": self._version}
        client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        self._end = _position(page)
        self._cancel()
        context = {"triggerKind": AUTOMATIC}
        params = {"textDocument": {"uri": self._uri}, "position": self._end, "context": context}
        self._asked = client.begin("textDocument/inlineCompletion", params)
        self._asked[1].add_done_callback(self._answered)

    def _cancel(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked[1].done():
            self._session.client.notify("$/cancelRequest", {"id": asked[0]})

    def _answered(self, answer: asyncio.Future[dict[str, Any]]) -> None:
        if self._asked is None or self._asked[1] is not answer or answer.exception() is not None:
            return  # of a text that is no more; the server's end is told by the next request
        result = answer.result().get("result")
        item: dict[str, Any] = result["items"][0] if result else {"insertText": ""}
        self._watch.answered(item["insertText"], from_memory=False)
        if not self._screen.offer:
            self._command = item.get("command")
            self._screen.show(item["insertText"], time.perf_counter())

    async def _spent(self) -> Spent:
        return spent_in((await self._session.client.command("rung.status"))["projects"])


def spent_in(projects: Sequence[dict[str, Any]]) -> Spent:
    """By all projects of `rung.status` so far; a worker that several of them share is counted once."""
    rungs = [rung for project in projects for rung in project["ladder"]]
    workers = {rung["worker"]: rung.get("tokens") for rung in rungs if rung["worker"]}
    return Spent(
        _sum(workers.values(), "evaluated"),
        _sum(workers.values(), "generated"),
        _sum([project.get("answers") for project in projects], "memory"),
    )


def _sum(told: Collection[dict[str, int] | None], name: str) -> int | None:
    """None where one of them does not tell."""
    return sum(one[name] for one in told if one) if all(told) else None


def _position(page: Page) -> dict[str, int]:
    return {"line": page.line, "character": page.column}
