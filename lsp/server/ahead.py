"""The next completion, asked for as if the one that is shown were accepted, while nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.answers import Answers
from rung.cascade.next_line import next_line
from rung.cascade.task import TaskKind
from rung.lsp.server.projects import Project
from rung.lsp.server.protocol import log_if_failed
from rung.lsp.server.remembered import Remembered

# Nobody accepts sooner, and a burst of keys has the processor for itself.
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown between `before` and `after` of a document."""

    uri: str
    file: Path | None
    language: str
    before: str
    after: str
    text: str


class Ahead:
    """One at a time, for the last that was shown; local models only, which serve every request first."""

    def __init__(self, answers: Answers[Remembered]) -> None:
        self._answers = answers
        self._running: asyncio.Task[None] | None = None

    def shown(self, shown: Shown, project: Project) -> None:
        self.stop()
        self._running = asyncio.get_running_loop().create_task(self._run(shown, project))
        self._running.add_done_callback(lambda ended: log_if_failed("Completing ahead", ended))

    def stop(self) -> None:
        """Another text is likely now."""
        if self._running is not None:
            self._running.cancel()

    async def close(self, limit: float) -> None:
        """Wait until it has stopped, at most `limit` seconds."""
        self.stop()
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=limit)

    async def _run(self, shown: Shown, project: Project) -> None:
        await asyncio.sleep(PAUSE_S)
        with project.climbing():
            for before, after in _places(shown):
                if self._answers.find(shown.uri, before, after) is not None:
                    continue
                completer = project.completer
                task = await asyncio.to_thread(
                    completer.task_at, before, after, path=shown.file, language=shown.language
                )
                if task is None or task.kind is not TaskKind.LINE:
                    return
                climb = await completer.ahead(task)
                if not climb.settled:
                    return  # a remote rung would decide
                texts = (climb.answer.text,) if climb.answer is not None else ()
                self._answers.put(shown.uri, before, after, texts, Remembered(climb, project, shown=False))
                project.found_ahead += 1


def _places(shown: Shown) -> Iterator[tuple[str, str]]:
    """Behind the text; and where the user comes with the Enter key, if the text ends its line."""
    before = shown.before + shown.text
    yield before, shown.after
    if not shown.after.partition("\n")[0].strip():
        yield before + next_line(before, shown.language), shown.after
