"""`rung/status`: what a status bar shows, told to editors that say they have one.

They say so in `capabilities.experimental`: `{"rung": {"status": true}}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial

from rung.cascade.attempt import Climb, Decision, Step
from rung.lsp.server.pausing import Pausing
from rung.lsp.server.projects import Project
from rung.lsp.server.protocol import RungProtocol, log_if_failed

STATUS = "rung/status"
# What is answered sooner is not shown as work: a status bar that changes with every key is a nuisance.
_DELAY_S = 0.15
_MONEY_S = 5.0


class State(StrEnum):
    """What rung does."""

    READY = "ready"
    BUSY = "busy"  # a local rung writes
    CLIMBING = "climbing"  # a remote one
    PAUSED = "paused"
    DISABLED = "disabled"  # by the configuration


class Problem(StrEnum):
    """Why a larger rung could not answer the last time it should have."""

    FAILED = "failed"  # offline, or it refused
    OVER_BUDGET = "over_budget"
    PRIVATE = "private"


_PROBLEMS = {
    Decision.FAILED: Problem.FAILED,
    Decision.OVER_BUDGET: Problem.OVER_BUDGET,
    Decision.PRIVATE: Problem.PRIVATE,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The params. rung: that is asked, or answered last. reason: a sentence on the problem; $ are the project's."""

    state: State = State.READY
    project: str | None = None
    rung: str | None = None
    problem: Problem | None = None
    reason: str = ""
    usdToday: float | None = None
    usdPerDay: float | None = None


class Climbing:
    """One climb. asks: call it with the rung that is asked."""

    def __init__(self, works: Callable[[str], None]) -> None:
        self._works = works
        self._rung = ""
        self.climb: Climb | None = None

    def asks(self, rung: str) -> None:
        if rung != self._rung:
            self._rung = rung
            self._works(rung)


class Status:
    """Told when it has changed. Used in the event loop."""

    def __init__(self, protocol: RungProtocol, pausing: Pausing) -> None:
        self._protocol = protocol
        self._pausing = pausing
        self._last: dict[str | None, Shown] = {}  # by project
        self._told: Shown | None = None
        self._climbs = 0
        self._busy: asyncio.TimerHandle | None = None
        self._money: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        return self._protocol.client_extra("status")

    def look(self, project: Project) -> None:
        """A file of this project is worked with, or whether it is paused has changed."""
        if self.wanted and not self._climbs:  # else it is told at their end
            self._set(self._of(project))

    @contextmanager
    def climbing(self, project: Project) -> Iterator[Climbing]:
        """While a climb is under way; set its `climb` when it came to its end."""
        climbing = Climbing(partial(self._works, project))
        self._quiet()
        self._climbs += 1
        try:
            yield climbing
        finally:
            self._climbs -= 1
            self._quiet()
            if self.wanted:
                self._ended(project, climbing.climb)

    def _works(self, project: Project, rung: str) -> None:
        remote = any(each.name == rung and each.remote for each in project.settings.config.ladder)
        shown = replace(self._of(project), state=State.CLIMBING if remote else State.BUSY, rung=rung)
        loop = asyncio.get_running_loop()
        when = self._busy.when() if self._busy is not None else loop.time() + _DELAY_S
        self._quiet()
        if self.wanted:
            self._busy = loop.call_at(when, self._set, shown)

    def _ended(self, project: Project, climb: Climb | None) -> None:
        shown = self._of(project)
        if climb is not None:
            step = next((step for step in reversed(climb.steps) if step.remote and step.decision in _PROBLEMS), None)
            shown = replace(
                shown,
                rung=climb.answer.rung if climb.answer is not None else shown.rung,
                problem=_PROBLEMS[step.decision] if step is not None else None,
                reason=step.reason if step is not None else "",
            )
        self._set(shown)
        if climb is not None and any(map(_was_asked, climb.steps)):
            self._count(project)

    def close(self) -> None:
        self._quiet()
        if self._money is not None:
            self._money.cancel()

    def _of(self, project: Project) -> Shown:
        config = project.settings.config
        state = State.PAUSED if self._pausing.holds(project.root) else State.READY
        return replace(
            self._known(project),
            state=state if config.enabled else State.DISABLED,
            usdPerDay=config.budget.usd_per_day,
        )

    def _known(self, project: Project) -> Shown:
        """What was shown of it last."""
        root = str(project.root) if project.root is not None else None
        return self._last.get(root, Shown(project=root))

    def _set(self, shown: Shown) -> None:
        self._last[shown.project] = shown
        if shown != self._told:
            self._told = shown
            self._protocol.notify(STATUS, asdict(shown))

    def _quiet(self) -> None:
        if self._busy is not None:
            self._busy.cancel()
            self._busy = None

    def _count(self, project: Project) -> None:
        if self._money is None or self._money.done():
            self._money = asyncio.get_running_loop().create_task(self._read_money(project))
            self._money.add_done_callback(lambda ended: log_if_failed("Reading what was spent", ended))

    async def _read_money(self, project: Project) -> None:
        async with asyncio.timeout(_MONEY_S):
            with project.climbing():
                spent = (await project.completer.status()).get("spent")
        usd = spent.get("usd_today") if isinstance(spent, dict) else None
        if isinstance(usd, float | int):
            shown = replace(self._known(project), usdToday=float(usd))
            if self._told is not None and self._told.project == shown.project:
                self._set(shown)
            else:
                self._last[shown.project] = shown


def _was_asked(step: Step) -> bool:
    return step.remote and (step.attempt is not None or step.cost_usd > 0)
