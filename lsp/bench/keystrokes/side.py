"""One of the two tools beside which the same keys are typed."""

from __future__ import annotations

import time
from typing import Protocol

from rung.cascade.bench.typing.figures import Act, Spent
from rung.cascade.bench.typing.keys import Key
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.screen import Screen
from rung.cascade.bench.typing.stretch import Stretch


class Watch:
    """Times what a tool does after each act of the user. Times are of `time.perf_counter`."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self._began = 0.0

    def act(self) -> None:
        """The user does something now."""
        self.acts.append(Act())
        self._began = time.perf_counter()

    def answered(self, text: str, *, from_memory: bool) -> None:
        """The tool has answered for the present text; its first answer counts. text: to show, "" for nothing."""
        act = self.acts[-1]
        if act.answered_s is None and not act.nothing:
            act.nothing, act.from_memory = not text, from_memory
            act.answered_s = time.perf_counter() - self._began if text else None

    def shown(self) -> None:
        """Something stands on the screen now."""
        if self.acts and self.acts[-1].shown_s is None:
            self.acts[-1].shown_s = time.perf_counter() - self._began


class Side(Protocol):
    """Raises BenchFailed where its processes fail."""

    @property
    def name(self) -> str: ...

    @property
    def pids(self) -> tuple[int, ...]:
        """Of its processes; their children are found."""
        ...

    async def open(self, stretch: Stretch, page: Page, screen: Screen, watch: Watch) -> None:
        """The user has looked into the neighbours, and opens the file with the cursor where the stretch begins."""
        ...

    def acted(self, key: Key, page: Page) -> None:
        """A key has changed the page: follow it on the screen, and ask. Returns at once."""
        ...

    def accepted(self, text: str, page: Page) -> None:
        """The user took `text` from the screen; it stands on the page already. Returns at once."""
        ...

    async def leave(self) -> Spent:
        """The file is done: what was spent since `open`."""
        ...
