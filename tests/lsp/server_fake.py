"""A language server whose completer needs no model; the last word before the cursor says what it does.

Started as a process: `python server_fake.py [HOST:PORT]`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rung.cascade.ascent import OnEarly, OnText
from rung.cascade.attempt import Attempt, Climb, Decision, Step
from rung.cascade.config import Settings
from rung.cascade.retrieval import Progress
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Outcome
from rung.cascade.trigger import Trigger
from rung.lsp.notice import Level, Notice, Notify
from rung.lsp.project_code import OnIndexing, OpenFile
from rung.lsp.server.serving import run

# Where the word stands, this is shown first, and " + 1" or nothing in the end.
EARLY = {"EARLY": " - 1", "EARLYSAME": " + 1", "EARLYNONE": " - 1"}


class FakeCompleter:
    """Counts what it is asked; `rung.status` shows it. Its worker is a real process."""

    seen: dict[str, Any]

    def __init__(self, settings: Settings, notify: Notify) -> None:
        self._notify = notify
        self._settings = settings
        self._rest = asyncio.Event()
        self._worker = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.seen = {
            "worker": self._worker.pid,
            "theta": settings.config.theta.line,
            "climbs": 0,
            "cancelled": 0,
            "warm": [],
            "warming_cancelled": 0,
            "outcomes": [],
            "tasks": [],
            "shown": [],
            "ahead": [],
            "rejected": [],
            "edited": [],
            "closed": [],
            "saved": [],
        }

    def task_at(self, source_before: str, source_after: str, *, path: Path | None, language: str) -> Task | None:
        if source_before.endswith("NOTHING"):
            return None
        if source_before.endswith("PRINT"):
            print("a library prints")
            os.write(1, b"and so does one written in C\n")
        kind = TaskKind.FUNCTION if "FUNCTION" in source_before[-20:] else TaskKind.LINE
        return Task(kind, source_before, source_after, language=language, path=path)

    async def complete(
        self,
        task: Task,
        trigger: Trigger,
        on_progress: Callable[[str], None] | None = None,
        *,
        patience_s: float = 0.0,
        on_text: OnText = lambda _, __: None,
        on_early: OnEarly | None = None,
    ) -> Climb:
        self.seen["climbs"] += 1
        on_text("fake", "")
        self.seen["tasks"].append([task.prefix[-80:], task.suffix[:80], str(task.path), task.language, trigger.value])
        word = task.prefix.split()[-1] if task.prefix.split() else ""
        climb_id = f"climb-{self.seen['climbs']}"
        if word == "RAISE":
            raise ZeroDivisionError(task.prefix)
        if word == "TELL":
            self._notify(Notice(Level.WARNING, "The worker crashed once."))
        if word.endswith("SLOW"):
            try:
                for number in range(100_000):
                    if on_progress:
                        on_progress(f"step {number}")
                    await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                self.seen["cancelled"] += 1
                raise
        if word == "PARTLY":
            await self._partly(on_text)
        if word in EARLY and on_early is not None:
            early = Attempt("fake", EARLY[word], 0.4)
            steps = (Step("fake", False, Decision.BELOW_THETA, "", 0.5, early),)
            on_early(Climb(f"early-{self.seen['climbs']}", task, steps, early, 0.0))
            await self._until_asked()
        text, others = {
            "EMPTY": ("", ()),
            "EARLYNONE": ("", ()),
            "SEVERAL": ("one", ("two", "one", "", "three")),
            "PARTLY": (" + 1 + 2", ()),
            "LINES": ("a\r\nb", ()),
            "SIZES": (f"{len(task.prefix.encode())} {len(task.suffix.encode())}", ()),
        }.get(word, (" + 1", ()))
        answer = None if word == "NONE" else Attempt(rung="fake", text=text, score=1.0, others=others)
        if task.rejected is not None:
            self.seen["rejected"].append([task.rejected.rung, task.rejected.text, task.prefix[-20:]])
        return Climb(climb_id, task, _steps(task, answer), answer, 0.0)

    async def _until_asked(self) -> None:
        """By `rung.explain` about the last one."""
        try:
            await self._rest.wait()
        except asyncio.CancelledError:
            self.seen["cancelled"] += 1
            raise

    async def _partly(self, on_text: OnText) -> None:
        """Write the beginning; the rest once `rung.explain` was asked about the last one."""
        on_text("fake", " + 1")
        await self._until_asked()
        on_text("fake", " + 1 + 2")
        await asyncio.sleep(0)  # cut off here where that is not what was typed

    async def ahead(self, task: Task) -> Climb:
        """Where SURE stands, " + 2" comes next."""
        self.seen["ahead"].append(task.prefix[-80:])
        answer = Attempt("fake", " + 2", 1.0)
        return Climb(f"ahead-{len(self.seen['ahead'])}", task, _steps(task, answer), answer, 0.0)

    def shown(self, climb: Climb, trigger: Trigger) -> None:
        self.seen["shown"].append(climb.id)

    async def warm(self, task: Task) -> None:
        self.seen["warm"].append(task.prefix[-80:])
        if "COLD" in task.prefix:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.seen["warming_cancelled"] += 1
                raise

    def edited(self, files: Iterable[OpenFile], closed: Iterable[Path]) -> None:
        self.seen["edited"] += [[file.path.name, file.text(), file.line] for file in files]
        self.seen["closed"] += [path.name for path in closed]

    async def saved(self, path: Path) -> None:
        self.seen["saved"].append(path.name)

    def on_indexing(self, tell: OnIndexing) -> None:
        if "indexing" in (self._settings.project_root or Path()).parts[-1:]:
            self._indexing = asyncio.get_running_loop().create_task(_index(tell))

    async def outcome(self, request_id: str, outcome: Outcome) -> None:
        self.seen["outcomes"].append([request_id, outcome.value])

    def explain(self, request_id: str | None = None) -> dict[str, object]:
        if request_id is None:
            self._rest.set()
        return {"markdown": f"# {request_id or 'the last'}", "id": request_id}

    async def status(self) -> dict[str, object]:
        return self.seen

    async def close(self) -> None:
        self._worker.kill()
        await asyncio.to_thread(self._worker.wait)


async def _index(tell: OnIndexing) -> None:
    for files in range(1000):
        tell(Progress(files, 1000))
        await asyncio.sleep(0.02)


def _steps(task: Task, answer: Attempt | None) -> tuple[Step, ...]:
    """A rung has decided where SURE stands, and a larger one is down where DOWN does."""
    if "DOWN" in task.prefix:
        failed = Step("large", True, Decision.FAILED, "The large rung is down.", 0.5)
        return (Step("fake", False, Decision.BELOW_THETA, "", 0.5, answer), failed)
    if "SURE" not in task.prefix:
        return ()
    decision = Decision.ADOPTED if answer and answer.text else Decision.NOTHING_TO_ADD
    return (Step("fake", False, decision, "", 0.5, answer),)


if __name__ == "__main__":
    sys.exit(run(FakeCompleter, sys.argv[1] if len(sys.argv) > 1 else None))
