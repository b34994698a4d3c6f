"""What the server needs of a completer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from rung.cascade.ascent import OnEarly, OnText
from rung.cascade.attempt import Climb
from rung.cascade.config import Settings
from rung.cascade.task import Task
from rung.cascade.telemetry import Outcome
from rung.cascade.trigger import Trigger
from rung.lsp.notice import Notify
from rung.lsp.project_code import OnIndexing, OpenFile


class Completer(Protocol):
    """Completes the files of one project."""

    def task_at(self, source_before: str, source_after: str, *, path: Path | None, language: str) -> Task | None:
        """What to complete between the two texts; None: nothing. Called in a thread."""
        ...

    async def complete(
        self,
        task: Task,
        trigger: Trigger,
        on_progress: Callable[[str], None] | None = None,
        *,
        patience_s: float = 0.0,
        on_text: OnText = ...,
        on_early: OnEarly | None = None,
    ) -> Climb:
        """Never raises ModelError. Cancelling stops the models.

        patience_s: no remote rung is asked before. on_text, on_early: see `OnText` and `OnEarly`.
        """
        ...

    async def ahead(self, task: Task) -> Climb:
        """What `complete` would answer, as far as local models can tell, before anybody asks. Nothing is recorded.

        Never raises ModelError. Cancelling stops the models.
        """
        ...

    def shown(self, climb: Climb, trigger: Trigger) -> None:
        """What was completed ahead is shown now: it counts from here on."""
        ...

    async def warm(self, task: Task) -> None:
        """Let a local model read what `complete` would ask first. Never raises ModelError. Cancelling stops it."""
        ...

    def edited(self, files: Iterable[OpenFile], closed: Iterable[Path]) -> None:
        """What the editor has changed and closed since it was last told; of files in the project."""
        ...

    async def saved(self, path: Path) -> None:
        """A file was saved, made, changed or deleted on the disk."""
        ...

    def on_indexing(self, tell: OnIndexing) -> None:
        """From here on, `tell` how far the index of the project's code is."""
        ...

    async def outcome(self, request_id: str, outcome: Outcome) -> None:
        """What became of the answer of the climb with this id."""
        ...

    def explain(self, request_id: str | None = None) -> dict[str, object]:
        """That climb, or the last one, as JSON: "markdown" for a person, and what a program draws."""
        ...

    async def status(self) -> dict[str, object]:
        """As JSON."""
        ...

    async def close(self) -> None:
        """End the models' processes."""
        ...


MakeCompleter = Callable[[Settings, Notify], Completer]
"""Called in the event loop, so it reads no files and starts nothing that takes time."""
