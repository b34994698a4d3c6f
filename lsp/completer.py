"""Completes the files of one project: its configuration, ladder, gate, sandbox and telemetry put together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path

from rung.cascade.admission import Admission
from rung.cascade.ahead import first_call
from rung.cascade.ascent import OnEarly, OnText
from rung.cascade.attempt import Climb
from rung.cascade.budget import Budget, Limits
from rung.cascade.climb import climb
from rung.cascade.config import Settings
from rung.cascade.locate import locate
from rung.cascade.meanwhile import meanwhile
from rung.cascade.retriever import Retriever
from rung.cascade.sandboxed import SandboxTester, find_tester
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Database, Outcome, Telemetry
from rung.cascade.trigger import Trigger
from rung.lsp.explanation import as_json, explain
from rung.lsp.notice import Level, Notice, Notify
from rung.lsp.project_code import OnIndexing, OpenFile, ProjectCode
from rung.lsp.rungs import LocalModel, ladder_of
from rung.models.protocol import ModelError, Priority

# Texts in one answer when it was asked for by hand.
SEVERAL = 3
# A reservation lives this much longer than any climb.
_MARGIN_S = 30.0
_REMEMBERED = 100
_CLOSE_S = 5.0


class Completer:
    """One project's. notify: gets each sentence that the user should hear, once.

    Made in the event loop; it reads no file. The local models load in the background from the beginning.
    """

    def __init__(self, settings: Settings, notify: Notify, database: Database | None = None) -> None:
        config = settings.config
        self._settings = settings
        self._notify = notify
        self._told: set[str] = set()
        self.ladder = ladder_of(config, self._tell_notice)
        self._own_database = database is None
        self._database = database or Database()
        self._telemetry = (
            Telemetry(self._database, source_text=config.telemetry.source_text, tell=self._tell)
            if config.telemetry.enabled
            else None
        )
        limits = Limits(config.budget.usd_per_day, config.budget.tokens_per_day, config.budget.escalations_per_hour)
        self._budget = Budget(self._database, limits, settings.project_root, tell=self._tell)
        longest = max(config.deadline.line, config.deadline.function)
        self._gate = Admission(self._budget, settings.project_root, config.never_send, longest + _MARGIN_S)
        root = settings.project_root
        searched = config.enabled and config.retrieval.enabled and root is not None
        self.code = ProjectCode(root, config, self._tell_notice) if searched and root is not None else None
        self._tester: asyncio.Task[SandboxTester | None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._recent: OrderedDict[str, Climb] = OrderedDict()
        self._warming = asyncio.create_task(self._warm_up()) if config.enabled else None

    def task_at(self, source_before: str, source_after: str, *, path: Path | None, language: str) -> Task | None:
        """What to complete between the two texts; None: nothing. May be called in a thread."""
        if not self._settings.config.enabled:
            return None
        return locate(source_before, source_after, path=path, language=language)

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
        """Climb, remember and record. Never raises ModelError; cancelling stops the models.

        patience_s: no remote rung is asked before. on_text, on_early: see `OnText` and `OnEarly`.
        """
        deadline = self._settings.config.deadline
        is_function = task.kind is TaskKind.FUNCTION
        by_hand = trigger is Trigger.INVOKED
        # Not where a line was rejected just now: the first of the body may be that very line.
        early = on_early if is_function and task.rejected is None else None
        async with meanwhile(self._first_line(task, early) if early else None):
            result = await climb(
                replace(task, several_lines=by_hand),
                self.ladder,
                self._gate,
                await self._find_tester() if is_function else None,
                deadline_s=deadline.function if is_function else deadline.line,
                retriever=self._retriever(trigger),
                several=SEVERAL if by_hand else 1,
                patience_s=patience_s,
                on_progress=on_progress or (lambda _: None),
                on_text=on_text,
                on_early=on_early,
            )
        if self.code is not None and not is_function:
            self.code.refresh(result.task, self._read)
        self.shown(result, trigger)
        return result

    async def ahead(self, task: Task) -> Climb:
        """What `complete` would answer to a line, as far as local models can tell. Nothing is recorded.

        Never raises ModelError. Cancelling stops the models.
        """
        return await self._locally(task, Priority.BACKGROUND)

    def shown(self, climb: Climb, trigger: Trigger) -> None:
        """Remember and record it."""
        self._remember(climb)
        if self._telemetry is not None:
            self._in_background(
                self._telemetry.record(climb, trigger=trigger, project=self._settings.project_root, ladder=self.ladder)
            )

    async def warm(self, task: Task) -> None:
        """Let a local model read what `complete` would ask it first; a remote one is sent nothing. Records nothing.

        Never raises ModelError. Cancelling stops the model.
        """
        retriever = self._retriever(Trigger.AUTOMATIC)
        if retriever is not None and task.kind is TaskKind.LINE:
            task = replace(task, retrieved=await retriever.retrieve(task))
        await self._read(task)

    def edited(self, files: Iterable[OpenFile], closed: Iterable[Path]) -> None:
        """What the editor has changed and closed since it was last told."""
        if self.code is not None:
            self.code.edited(files, closed)

    async def saved(self, path: Path) -> None:
        """A file of the project was saved, made, changed or deleted on the disk."""
        if self.code is not None:
            await self.code.saved(path)

    def on_indexing(self, tell: OnIndexing) -> None:
        """How far the index of the project's code is."""
        if self.code is not None:
            self.code.on_indexing = tell

    async def outcome(self, request_id: str, outcome: Outcome) -> None:
        """What became of the answer of the climb with this id."""
        await self._recorded()
        if self._telemetry is not None:
            await self._telemetry.outcome(request_id, outcome)

    def explain(self, request_id: str | None = None) -> dict[str, object]:
        """That climb, or the last one with an answer, as JSON; its "markdown" is for a person."""
        if not self._recent:
            return {"markdown": "Nothing was completed yet."}
        found = self._recent.get(request_id) if request_id else self._last()
        if found is None:
            return {"markdown": "This completion is no longer remembered."}
        return {"markdown": explain(found), **as_json(found)}

    async def status(self) -> dict[str, object]:
        """As JSON: the ladder with its processes, and the budget."""
        spent = await self._budget.spent()
        return {
            "project": str(self._settings.project_root) if self._settings.project_root else None,
            "enabled": self._settings.config.enabled,
            "ladder": [
                {
                    "rung": rung.name,
                    "remote": rung.remote,
                    "worker": rung.model.worker_pid if isinstance(rung.model, LocalModel) else None,
                    "tokens": await rung.model.tokens() if isinstance(rung.model, LocalModel) else None,
                }
                for rung in self.ladder.rungs
            ],
            "spent": None
            if spent is None
            else {
                "usd_today": spent.usd_today,
                "tokens_today": spent.tokens_today,
                "escalations_this_hour": spent.escalations_this_hour,
            },
            "completions": len(self._recent),
            "index": self.code.status() if self.code is not None else None,
        }

    async def close(self) -> None:
        """End the models' processes; what is being recorded is recorded."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        if self._tester is not None:
            self._tester.cancel()
        if self.code is not None:
            await self.code.close()
        try:
            await asyncio.gather(*(rung.model.close() for rung in self.ladder.rungs))
        finally:
            await self._recorded()
            if self._own_database:
                await self._database.close()

    async def _warm_up(self) -> None:
        self._tester = asyncio.create_task(find_tester(self._tell))
        await self._budget.spent()  # opens the database, so that the first request does not wait for it
        for rung in self.ladder.rungs:
            if isinstance(rung.model, LocalModel):
                try:
                    await rung.model.start()
                except ModelError as error:
                    self._tell(str(error))
        if self.code is not None:
            await self.code.start()

    async def _locally(self, task: Task, priority: Priority) -> Climb:
        return await climb(
            task,
            self.ladder,
            self._gate,
            None,
            deadline_s=self._settings.config.deadline.line,
            retriever=self._retriever(Trigger.AUTOMATIC),
            ahead=True,
            priority=priority,
        )

    async def _first_line(self, task: Task, tell: OnEarly) -> None:
        """Of a function's body, while the whole is written and tested: a line goes first."""
        line = await self._locally(replace(task, kind=TaskKind.LINE, function=None), Priority.LINE)
        if line.answer is not None:
            tell(line)

    def _retriever(self, trigger: Trigger) -> Retriever | None:
        if self.code is None:
            return None
        typing = trigger is Trigger.AUTOMATIC and not self.ladder.rungs[0].remote
        return self.code.kept if typing else self.code.retriever

    async def _read(self, task: Task) -> None:
        """Let a local model read what it would be asked first."""
        call = first_call(task, self.ladder)
        if call is not None and isinstance(model := call[0].model, LocalModel):
            await model.warm(*call[1:])

    async def _find_tester(self) -> SandboxTester | None:
        if self._tester is None:
            self._tester = asyncio.create_task(find_tester(self._tell))
        return await asyncio.shield(self._tester)

    def _last(self) -> Climb:
        """After an accept, what comes next is asked for at once, and often there is nothing."""
        climbs = reversed(self._recent.values())
        return next((climb for climb in climbs if climb.answer is not None), next(reversed(self._recent.values())))

    def _remember(self, result: Climb) -> None:
        self._recent[result.id] = result
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    async def _recorded(self) -> None:
        if self._background:
            await asyncio.wait(self._background, timeout=_CLOSE_S)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _tell(self, sentence: str) -> None:
        self._tell_notice(Notice(Level.WARNING, sentence))

    def _tell_notice(self, notice: Notice) -> None:
        if notice.text not in self._told:
            self._told.add(notice.text)
            self._notify(notice)


def make_completer(settings: Settings, notify: Notify) -> Completer:
    """For the language server."""
    return Completer(settings, notify)
