"""How long the server takes for what it need not ask a model, and what it costs when nobody types."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rung.cascade.bench.begin import Begin
from rung.lsp.bench.keystrokes.processor import quiet, share_over
from rung.lsp.bench.serve_session import Session
from rung.models.bench.own_engine import NAME
from rung.models.bench.series import Series
from rung.models.bench.texts import real_code
from rung.models.bench.work import BenchFailed

THROUGH = "request while what is shown is typed"
AGAIN = "request where one was answered before"
IDLE = "idle server and worker, of a core"
FROM_MEMORY = "of these requests, answered from memory"

_FIRST_LINE = 120
_LONG = 24  # characters of a line
_LEAST = 4  # characters of an answer


@dataclass(slots=True)
class _Typist:
    """In one open document; the cursor is where the last change ended."""

    session: Session
    uri: str
    version: int = 1
    through_ms: list[float] = field(default_factory=list)
    again_ms: list[float] = field(default_factory=list)

    def insert(self, line: int, column: int, text: str) -> None:
        self.version += 1
        self.session.insert(self.uri, self.version, line, column, text)

    def delete(self, line: int, start: int, end: int) -> None:
        self.version += 1
        span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        document = {"uri": self.uri, "version": self.version}
        change = {"range": span, "text": ""}
        self.session.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    async def timed(self, line: int, column: int, into: list[float]) -> None:
        began = time.perf_counter()
        await self.session.complete(self.uri, line, column)
        into.append((time.perf_counter() - began) * 1000)


async def measure(session: Session, requests: int, idle_s: float, begin: Begin) -> list[Series]:
    """ms of `requests` requests of each kind, or as many as the file gives; then a share. Raises BenchFailed."""
    lines = real_code("argparse").split("\n")
    typist = _Typist(session, session.open("answers.py", "\n".join(lines)))
    before, step = await _from_memory(session), begin("answers of the server", requests)
    for number in range(_FIRST_LINE, len(lines)):
        if len(typist.again_ms) >= requests:
            break
        if len(lines[number].strip()) >= _LONG and lines[number].isascii():
            await _line(typist, number, lines[number], step)
    if not typist.through_ms:
        raise BenchFailed("rung serve had no answer that could be typed.")
    asked = len(typist.through_ms) + len(typist.again_ms)
    after = await _from_memory(session)
    found = [
        Series(THROUGH, NAME, "ms", tuple(typist.through_ms[:requests])),
        Series(AGAIN, NAME, "ms", tuple(typist.again_ms[:requests])),
    ]
    if before is not None and after is not None:
        found.append(Series(FROM_MEMORY, NAME, "%", (100 * (after - before) / asked,)))
    return found + await _idle(session, idle_s, begin)


async def _line(typist: _Typist, number: int, line: str, step: Callable[[], None]) -> None:
    """Half of it is there; what is offered is typed, taken back key by key, and the line is as it was."""
    half = (len(line) + len(line) - len(line.lstrip())) // 2
    typist.delete(number, half, len(line))
    result = await typist.session.complete(typist.uri, number, half)
    text = result["items"][0]["insertText"].split("\n")[0] if result else ""
    if len(text) >= _LEAST and text.isascii():
        last = len(text) - 1  # behind its end nothing of it is left to say
        for at in range(last):
            typist.insert(number, half + at, text[at])
            await typist.timed(number, half + at + 1, typist.through_ms)
        for at in range(last, 0, -1):
            typist.delete(number, half + at - 1, half + at)
            await typist.timed(number, half + at - 1, typist.again_ms)
            step()
    typist.insert(number, half, line[half:])


async def _idle(session: Session, seconds: float, begin: Begin) -> list[Series]:
    step = begin("the idle server", 1)
    worker = await session.worker()
    pids = [session.client.pid, *([worker] if worker is not None else [])]
    await quiet(pids)
    share = await share_over(pids, seconds)
    step()
    return [] if share is None else [Series(IDLE, NAME, "%", (100 * share,))]


async def _from_memory(session: Session) -> int | None:
    """Answers so far; None where the server does not tell."""
    projects = (await session.client.command("rung.status"))["projects"]
    told = [project["answers"]["memory"] for project in projects if "answers" in project]
    return sum(told) if told else None
