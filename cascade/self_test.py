"""A rung's self-test of a function: solutions and test lines are generated, run and judged at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from rung.cascade.cut import body_is_over, cut_body, program
from rung.cascade.deciding import Below, Board, Winner
from rung.cascade.ladder import Rung
from rung.cascade.spending import Meter
from rung.cascade.task import Function
from rung.cascade.testlines import count_of, settled, suite
from rung.models.protocol import Generation, OnSample, OnToken, Prompt, Sampling, Token

# A self-test is a few cells; a solution that needs longer is no completion.
CELLS_S = 8.0


class Cells(Protocol):
    """Solutions under tests, in one sandbox."""

    def add(self, programs: Sequence[str], tests: Sequence[str]) -> None:
        """Further ones: each program is run under each test."""
        ...

    def passed(self, program: int, test: int) -> bool | None:
        """By the order in which they came; None while it is not known."""
        ...

    @property
    def complete(self) -> bool:
        """Whether all is known, or nothing more will be."""
        ...

    async def more(self) -> None:
        """Waits until more is known; for ever, where nothing is open."""
        ...


class Tester(Protocol):
    """Runs programs in a sandbox."""

    def cells(self) -> AbstractAsyncContextManager[Cells]:
        """One sandbox; nothing of it is left after the block."""
        ...


Call = tuple[Prompt, Sampling]


class SelfTestRun:
    """One self-test. board: what is known of it.

    theta: None for the last rung. Calls that are not needed any more are cancelled.
    """

    def __init__(
        self,
        function: Function,
        rung: Rung,
        theta: float | None,
        cells: Cells,
        meter: Meter,
        on_progress: Callable[[str], None],
    ) -> None:
        self._function = function
        self._rung = rung
        self._cells = cells
        self._meter = meter
        self._on_progress = on_progress
        self._bodies: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._solutions = [_Text() for _ in range(rung.k)]
        self._texts = [_Text() for _ in range(rung.k)]
        self._final = False
        self._news = asyncio.Event()
        self.board = Board(rung.k, theta, self._passed)
        self.board.coming = rung.k * rung.l

    async def run(self, solving: Call, testing: Call) -> Below | Winner | None:
        """None where all is known and nothing can be adopted. Raises ModelError."""
        calls = [
            asyncio.create_task(self._meter.generate(*solving, *self._listeners(self._solutions))),
            asyncio.create_task(self._meter.generate(*testing, *self._listeners(self._texts))),
        ]
        try:
            return await self._decided(*calls)
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    async def _decided(
        self, solving: asyncio.Task[list[Generation]], testing: asyncio.Task[list[Generation]]
    ) -> Below | Winner | None:
        deadline: float | None = None
        while True:
            self._news.clear()
            self._take(solving, testing)
            generated = solving.done() and testing.done()
            if generated and deadline is None:
                deadline = time.monotonic() + CELLS_S
                self._on_progress(
                    f"{self._rung.name}: running {len(self._bodies)} solutions against {len(self._lines)} test lines"
                )
            self._final = generated and (self._cells.complete or time.monotonic() >= (deadline or 0.0))
            decision = self.board.decision()
            if decision is not None or self._final:
                return decision
            await self._something([solving, testing], deadline)

    async def _something(self, calls: Sequence[asyncio.Task[list[Generation]]], deadline: float | None) -> None:
        """Waits until there may be something new."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._news.wait())]
        if not self._cells.complete:
            waits.append(asyncio.create_task(self._cells.more()))
        try:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            open_calls = [call for call in calls if not call.done()]
            await asyncio.wait([*waits, *open_calls], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _take(self, solving: asyncio.Task[list[Generation]], testing: asyncio.Task[list[Generation]]) -> None:
        """What has come since: bodies and test lines that stay as they are. Raises ModelError."""
        for call, texts in ((solving, self._solutions), (testing, self._texts)):
            if call.done():
                for text, generation in zip(texts, call.result(), strict=True):
                    text.end(generation.text)
        for index, text in enumerate(self._solutions):
            if self.board.bodies[index] is None and (text.ended or body_is_over(text.so_far, self._function)):
                self.board.bodies[index] = cut_body(text.so_far, self._function)
        ended = [f"assert{text.so_far}" for text in self._texts if text.ended]
        growing = [settled(f"assert{text.so_far}") for text in self._texts if not text.ended]
        self._add_cells([*ended, *growing])
        self.board.coming = sum(self._rung.l - count_of(text, self._rung.l) for text in growing)

    def _add_cells(self, texts: Sequence[str]) -> None:
        lines = suite(texts, frozenset({self._function.name}), self._rung.l)
        new_lines = [line for line in lines if line not in self._lines]
        new_bodies = [body for body in dict.fromkeys(self.board.bodies) if body and body not in self._bodies]
        for line in new_lines:
            self._lines[line] = len(self._lines)
        for body in new_bodies:
            self._bodies[body] = len(self._bodies)
        self.board.lines = list(self._lines)
        if new_lines or new_bodies:
            self._cells.add([program(self._function, body) for body in new_bodies], new_lines)

    def _passed(self, body: str, line: str) -> bool | None:
        known = self._cells.passed(self._bodies[body], self._lines[line])
        return False if known is None and self._final else known

    def _listeners(self, texts: list[_Text]) -> tuple[OnToken, OnSample]:
        """Collect texts as they grow. A remote rung's tokens may hold more than its text: it is taken when whole."""

        def on_token(sample: int, token: Token) -> None:
            if not self._rung.remote and sample < len(texts) and not texts[sample].ended:
                texts[sample].so_far += token.text
                if "\n" in token.text:
                    self._news.set()

        def on_sample(sample: int, text: str) -> None:
            if sample < len(texts):
                texts[sample].end(text)
                self._news.set()

        return on_token, on_sample


@dataclass(slots=True)
class _Text:
    """A sample as far as it is written."""

    so_far: str = ""
    ended: bool = False

    def end(self, whole: str) -> None:
        self.so_far, self.ended = whole, True
