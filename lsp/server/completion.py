"""textDocument/inlineCompletion: one climb at a time in each document, one answer for each request."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from urllib.parse import unquote

from lsprotocol import types
from lsprotocol.types import InlineCompletionItem, InlineCompletionParams

from rung.cascade.attempt import Climb
from rung.cascade.outcome import OfferedText
from rung.cascade.task import Task, TaskKind
from rung.cascade.trigger import Trigger
from rung.lsp.server.ahead import Ahead, Shown
from rung.lsp.server.asked import Asked, asked_of
from rung.lsp.server.offers import Offer, Offers
from rung.lsp.server.open_files import OpenFiles
from rung.lsp.server.patience import Patience
from rung.lsp.server.progress import Progress
from rung.lsp.server.projects import Project, Projects
from rung.lsp.server.protocol import RungProtocol, log_failure
from rung.lsp.server.recall import Recall
from rung.lsp.server.spot import Spot
from rung.lsp.server.windows import text_after, text_before

ACCEPT = "rung.accept"
MAX_ITEMS = 5
GRACE_S = 5.0  # beyond the deadline that a climb keeps itself; recording what it spent takes a moment


class Completions:
    """Answers null wherever there is nothing to show: an empty list would wipe a newer answer in some editors."""

    def __init__(self, protocol: RungProtocol, projects: Projects, offers: Offers, open_files: OpenFiles) -> None:
        self._protocol = protocol
        self._open_files = open_files
        self._projects = projects
        self._offers = offers
        self._recall = Recall(offers)
        self._ahead = Ahead(self._recall.answers)
        self._patience = Patience()
        self._running: dict[str, Asked] = {}
        self._climbs: set[asyncio.Task[Climb]] = set()

    def ask(self, params: InlineCompletionParams) -> asyncio.Task[types.InlineCompletionList | None] | None:
        """Call it in the order of the messages: what the document holds now is what is completed."""
        uri = unquote(params.text_document.uri)
        document = self._protocol.documents().find(uri)
        self.overtake(uri)
        if document is None or not document.in_sync:
            return None
        asked = self._running[uri] = asked_of(uri, document, params)
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        task.add_done_callback(lambda _: self._ended(asked))
        return task

    def changed(self, uri: str) -> None:
        """The document has changed, and the offers know."""
        self.overtake(uri)
        self._patience.typed()
        if not self._offers.goes_on(uri):
            self._ahead.stop()

    def overtake(self, uri: str) -> None:
        """Nobody waits any more for what was asked in this document."""
        if (asked := self._running.pop(uri, None)) is not None:
            asked.overtaken.set()

    async def close(self, limit: float) -> None:
        """Cancel every climb and wait until it has stopped."""
        for climb in self._climbs:
            climb.cancel()
        await self._ahead.close(limit)
        if self._climbs:
            await asyncio.wait(self._climbs, timeout=limit)

    def _ended(self, asked: Asked) -> None:
        if self._running.get(asked.uri) is asked:
            del self._running[asked.uri]

    async def _answer(self, asked: Asked) -> types.InlineCompletionList | None:
        before = text_before(asked.document, asked.start) + asked.selected
        after = text_after(asked.document, asked.end)
        rejected = self._offers.rejected_at(asked.uri, asked.document, asked.start)
        project = await self._projects.of(asked.document.file)
        if project is None or asked.moot:
            return None
        self._projects.latest = project
        self._open_files.tell(project)
        if asked.trigger is Trigger.AUTOMATIC:
            known = self._recall.find(asked.uri, before, after, project)
            if known is not None:
                return self._remembered(asked, project, before, after, *known)
        self._ahead.stop()
        with project.climbing():
            task = await self._task(asked, project, before, after)
            if task is None:
                return None
            project.from_models += 1
            climb = await self._climb(asked, project, replace(task, rejected=rejected))
        if climb is None or asked.moot:
            return None
        if task.kind is TaskKind.LINE:
            self._patience.answered(climb)
            self._recall.keep(asked.uri, before, after, climb, project)
            if climb.settled:
                self._go_ahead(asked, project, before, after, _texts(asked, climb))
        return self._show(asked, project, climb, _texts(asked, climb))

    def _remembered(
        self, asked: Asked, project: Project, before: str, after: str, climb: Climb, texts: tuple[str, ...]
    ) -> types.InlineCompletionList | None:
        project.from_memory += 1
        if not self._offers.follows(asked.uri, climb.id):  # not typed through, where it was done already
            self._go_ahead(asked, project, before, after, texts)
        return self._show(asked, project, climb, texts[:1])

    async def _task(self, asked: Asked, project: Project, before: str, after: str) -> Task | None:
        completer, language = project.completer, asked.document.language_id or ""
        if asked.trigger is Trigger.AUTOMATIC and (pause := self._patience.before_local):
            await asyncio.wait({overtaken := asyncio.ensure_future(asked.overtaken.wait())}, timeout=pause)
            overtaken.cancel()
        task = await asyncio.to_thread(completer.task_at, before, after, path=asked.document.file, language=language)
        return None if asked.moot else task

    async def _climb(self, asked: Asked, project: Project, task: Task) -> Climb | None:
        deadline = project.settings.config.deadline
        limit = GRACE_S + (deadline.function if task.kind is TaskKind.FUNCTION else deadline.line)
        wanted = self._wants_progress(asked, task)
        patience = self._patience.before_remote if asked.trigger is Trigger.AUTOMATIC else 0.0
        shown = Progress(self._protocol, "rung writes the function", asked.token, asked.overtaken.set)
        async with shown if wanted else nullcontext() as progress:
            report = progress.report if progress else None
            climb = asyncio.ensure_future(project.completer.complete(task, asked.trigger, report, patience_s=patience))
            self._climbs.add(climb)
            climb.add_done_callback(self._climbs.discard)
            overtaken = asyncio.ensure_future(asked.overtaken.wait())
            try:
                await asyncio.wait({climb, overtaken}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            finally:
                overtaken.cancel()
                climb.cancel()
        return _result(climb)

    def _wants_progress(self, asked: Asked, task: Task) -> bool:
        if asked.trigger is not Trigger.INVOKED or task.kind is not TaskKind.FUNCTION:
            return False
        window = self._protocol.client_capabilities.window
        return asked.token is not None or bool(window and window.work_done_progress)

    def _go_ahead(self, asked: Asked, project: Project, before: str, after: str, texts: tuple[str, ...]) -> None:
        if texts:
            language = asked.document.language_id or ""
            self._ahead.shown(Shown(asked.uri, asked.document.file, language, before, after, texts[0]), project)

    def _show(
        self, asked: Asked, project: Project, climb: Climb, texts: tuple[str, ...]
    ) -> types.InlineCompletionList | None:
        """texts: what can be inserted behind what is selected."""
        texts = _clean(asked, texts)
        if not texts:
            return None
        if not self._offers.follows(asked.uri, climb.id):
            spot = Spot.at(asked.document, asked.start, asked.end)
            offer = Offer(asked.uri, climb, OfferedText(texts), spot, project)
            since = spot.since(asked.document, offer.most_lines)
            if since:
                offer.text.typed(since)
            self._offers.offer(offer, asked.document)
        return types.InlineCompletionList(
            items=[
                InlineCompletionItem(
                    insert_text=text,
                    range=asked.range,
                    command=types.Command(title="Accepted", command=ACCEPT, arguments=[climb.id, index]),
                )
                for index, text in enumerate(texts)
            ]
        )


def _texts(asked: Asked, climb: Climb) -> tuple[str, ...]:
    """Several only for who asked by hand."""
    if climb.answer is None:
        return ()
    return (climb.answer.text, *(climb.answer.others if asked.trigger is Trigger.INVOKED else ()))


def _clean(asked: Asked, texts: tuple[str, ...]) -> tuple[str, ...]:
    """What to insert: never nothing, nothing twice."""
    cleaned = (text.replace("\r\n", "\n").replace("\r", "\n") for text in texts)
    return tuple(dict.fromkeys(asked.selected + text for text in cleaned if text))[:MAX_ITEMS]


def _result(climb: asyncio.Future[Climb]) -> Climb | None:
    """None: it is still at work (and cancelled now), was cancelled, or failed."""
    if not climb.done() or climb.cancelled():
        return None
    if (error := climb.exception()) is not None:
        log_failure("A climb", error)
        return None
    return climb.result()
