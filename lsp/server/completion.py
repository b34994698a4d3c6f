"""textDocument/inlineCompletion: one climb at a time in each document, one answer for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from urllib.parse import unquote

from lsprotocol import types
from lsprotocol.types import InlineCompletionItem, InlineCompletionParams

from rung.cascade.attempt import Climb
from rung.cascade.outcome import OfferedText
from rung.cascade.task import Task, TaskKind
from rung.cascade.trigger import Trigger
from rung.lsp.server.ahead import Ahead, Shown
from rung.lsp.server.asked import Asked, asked_of
from rung.lsp.server.cursor import cursor_after
from rung.lsp.server.documents import Document
from rung.lsp.server.offers import Offer, Offers
from rung.lsp.server.open_files import OpenFiles
from rung.lsp.server.patience import Patience
from rung.lsp.server.pausing import Pausing
from rung.lsp.server.progress import Progress
from rung.lsp.server.projects import Project, Projects
from rung.lsp.server.protocol import RungProtocol, log_if_failed
from rung.lsp.server.recall import Recall
from rung.lsp.server.refreshing import Refreshing
from rung.lsp.server.spot import Spot
from rung.lsp.server.status import Status
from rung.lsp.server.underway import Underway
from rung.lsp.server.windows import text_after, text_before

ACCEPT = "rung.accept"
MAX_ITEMS = 5
GRACE_S = 5.0  # beyond the deadline that a climb keeps itself; recording what it spent takes a moment


class Completions:
    """Answers null wherever there is nothing to show: an empty list would wipe a newer answer in some editors."""

    def __init__(
        self,
        protocol: RungProtocol,
        projects: Projects,
        offers: Offers,
        open_files: OpenFiles,
        pausing: Pausing,
        status: Status,
    ) -> None:
        self._protocol = protocol
        self._pausing = pausing
        self._status = status
        self._open_files = open_files
        self._projects = projects
        self._offers = offers
        self._recall = Recall(offers)
        self._ahead = Ahead(self._recall.answers)
        self._patience = Patience()
        self._refreshing = Refreshing(protocol)
        self._running: dict[str, Asked] = {}
        self._underway: dict[str, Underway] = {}
        self._climbs: set[asyncio.Task[Climb]] = set()

    def ask(self, params: InlineCompletionParams) -> asyncio.Task[types.InlineCompletionList | None] | None:
        """Call it in the order of the messages: what the document holds now is what is completed."""
        uri = unquote(params.text_document.uri)
        document = self._protocol.documents().find(uri)
        self._answer_with_null(uri)
        if document is None or not document.in_sync:
            return None
        asked = self._running[uri] = asked_of(uri, document, params)
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        task.add_done_callback(lambda _: self._ended(asked))
        return task

    def changed(self, uri: str, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """The document has changed, and the offers know. What is under way goes on where it agrees."""
        self._answer_with_null(uri)
        if (underway := self._underway.get(uri)) is not None:
            place = cursor_after(document, changes[-1]) if changes and document.in_sync else None
            if place is None:
                underway.stop()
            else:
                underway.goes_on(text_before(document, place), text_after(document, place))
        self._patience.typed()
        if not self._offers.goes_on(uri):
            self._ahead.stop()

    def overtake(self, uri: str) -> None:
        """Nobody wants any more what was asked in this document."""
        self._answer_with_null(uri)
        self._stop(uri)

    def dismissed(self, climb_id: str) -> None:
        """Nobody wants to see any more what comes after that early answer."""
        for underway in self._underway.values():
            if underway.early is not None and underway.early.id == climb_id:
                underway.stop()

    async def close(self, limit: float) -> None:
        """Cancel every climb and wait until it has stopped."""
        for climb in self._climbs:
            climb.cancel()
        self._refreshing.close()
        await self._ahead.close(limit)
        if self._climbs:
            await asyncio.wait(self._climbs, timeout=limit)

    def _answer_with_null(self, uri: str) -> None:
        if (asked := self._running.pop(uri, None)) is not None:
            asked.overtaken.set()

    def _stop(self, uri: str) -> None:
        if (underway := self._underway.get(uri)) is not None:
            underway.stop()

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
        self._status.look(project)
        if asked.trigger is Trigger.AUTOMATIC:
            if self._pausing.holds(project.root):
                return None
            if (known := self._recall.find(asked.uri, before, after, project)) is not None:
                project.from_memory += 1
                return self._remembered(asked, project, before, after, *known)
            if await self._goes_on(asked, before, after):
                known = self._recall.find(asked.uri, before, after, project)
                if known is not None and not asked.moot:
                    project.from_underway += 1
                    return self._remembered(asked, project, before, after, *known)
        if asked.moot:
            return None
        self._stop(asked.uri)
        self._ahead.stop()
        with project.climbing():
            task = await self._task(asked, project, before, after)
            if task is None:
                return None
            project.from_models += 1
            found = await self._climb(asked, project, replace(task, rejected=rejected), before, after)
        if found is None or asked.moot:
            return None
        climb, early = found
        if task.kind is TaskKind.LINE and climb.settled:
            self._go_ahead(asked, project, before, after, _texts(asked, climb))
        return self._show(asked, project, climb, _texts(asked, climb), early=early)

    def _remembered(
        self, asked: Asked, project: Project, before: str, after: str, climb: Climb, texts: tuple[str, ...]
    ) -> types.InlineCompletionList | None:
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

    async def _goes_on(self, asked: Asked, before: str, after: str) -> bool:
        """Whether what is under way served this place, too, and came to its end."""
        underway = self._underway.get(asked.uri)
        if underway is None or not underway.goes_on(before, after):
            return False
        return await _followed(asked, underway, underway.over) is not None

    async def _climb(
        self, asked: Asked, project: Project, task: Task, before: str, after: str
    ) -> tuple[Climb, bool] | None:
        """What to show, and whether it is early: the climb goes on then, and what it finds is shown instead."""
        deadline = project.settings.config.deadline
        is_function = task.kind is TaskKind.FUNCTION
        limit = GRACE_S + (deadline.function if is_function else deadline.line)
        shown = Progress(self._protocol, "rung writes the function", asked.token, asked.overtaken.set)
        async with shown if self._wants_progress(asked, task) else nullcontext() as progress:
            run = partial(self._run, asked, project, task, progress)
            underway = Underway(before, after, run, limit)
            self._begun(asked.uri, underway)
            early = None
            try:
                climb = await _followed(asked, underway, underway.told)
                early = underway.early if climb is None and not asked.moot else None
            finally:
                if is_function and early is None:
                    underway.stop()  # nobody types a function as it is being written
        if early is not None:
            self._refreshing.run(self._improve(asked, project, underway, early))
            return early, True
        return (climb, False) if climb is not None else None

    async def _run(
        self, asked: Asked, project: Project, task: Task, progress: Progress | None, underway: Underway
    ) -> Climb:
        """To its end, whoever still waits."""
        automatic = asked.trigger is Trigger.AUTOMATIC
        with project.climbing(), self._status.climbing(project) as status:

            def on_text(rung: str, text: str) -> None:
                underway.write(rung, text)
                status.asks(rung)

            climb = await project.completer.complete(
                task,
                asked.trigger,
                progress.report if progress else None,
                patience_s=self._patience.before_remote if automatic else 0.0,
                on_text=on_text,
                on_early=underway.begin if automatic and self._refreshing.wanted else None,
            )
            status.climb = climb
        if task.kind is TaskKind.LINE:
            self._patience.answered(climb)
        if task.kind is TaskKind.LINE or underway.early is not None:  # whose request is answered already
            self._recall.keep(asked.uri, *underway.there, climb, project)
        return climb

    async def _improve(self, asked: Asked, project: Project, underway: Underway, early: Climb) -> None:
        """Show what the climb finds in place of what was shown early, unless the user has typed on or decided."""
        await underway.over.wait()
        climb = underway.result
        if climb is None or asked.moot or not self._offers.follows(asked.uri, early.id):
            return
        if self._pausing.holds(project.root):
            return
        texts = _clean(asked, _texts(asked, climb))

        def shown() -> None:
            if not asked.moot:
                better = _offer(asked, project, climb, texts) if texts else None
                self._offers.improve(early.id, better, asked.document)

        if texts[:1] == _clean(asked, _texts(asked, early)):
            shown()
        else:
            await self._refreshing.show(asked, _items(asked, climb, texts), shown)

    def _begun(self, uri: str, underway: Underway) -> None:
        self._underway[uri] = underway
        self._climbs.add(underway.climb)

        def ended(climb: asyncio.Task[Climb]) -> None:
            self._climbs.discard(climb)
            if self._underway.get(uri) is underway:
                del self._underway[uri]
            log_if_failed("A climb", climb)

        underway.climb.add_done_callback(ended)

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
        self, asked: Asked, project: Project, climb: Climb, texts: tuple[str, ...], *, early: bool = False
    ) -> types.InlineCompletionList | None:
        """texts: what can be inserted behind what is selected."""
        texts = _clean(asked, texts)
        if not texts:
            return None
        if not self._offers.follows(asked.uri, climb.id):
            self._offers.offer(_offer(asked, project, climb, texts, early=early), asked.document)
        return types.InlineCompletionList(items=_items(asked, climb, texts))


def _offer(asked: Asked, project: Project, climb: Climb, texts: tuple[str, ...], *, early: bool = False) -> Offer:
    spot = Spot.at(asked.document, asked.start, asked.end)
    offer = Offer(asked.uri, climb, OfferedText(texts), spot, project, early=early)
    since = spot.since(asked.document, offer.most_lines)
    if since:
        offer.text.typed(since)
    return offer


def _items(asked: Asked, climb: Climb, texts: tuple[str, ...]) -> list[InlineCompletionItem]:
    return [
        InlineCompletionItem(
            insert_text=text,
            range=asked.range,
            command=types.Command(title="Accepted", command=ACCEPT, arguments=[climb.id, index]),
        )
        for index, text in enumerate(texts)
    ]


def _texts(asked: Asked, climb: Climb) -> tuple[str, ...]:
    """Several only for who asked by hand."""
    if climb.answer is None:
        return ()
    return (climb.answer.text, *(climb.answer.others if asked.trigger is Trigger.INVOKED else ()))


def _clean(asked: Asked, texts: tuple[str, ...]) -> tuple[str, ...]:
    """What to insert: never nothing, nothing twice."""
    cleaned = (text.replace("\r\n", "\n").replace("\r", "\n") for text in texts)
    return tuple(dict.fromkeys(asked.selected + text for text in cleaned if text))[:MAX_ITEMS]


async def _followed(asked: Asked, underway: Underway, until: asyncio.Event) -> Climb | None:
    """None: nobody waits for it any more, or it has not come to its end. Who cancels the request stops it."""
    waits = {asyncio.ensure_future(event.wait()) for event in (until, asked.overtaken)}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        if not asked.overtaken.is_set():
            underway.stop()
        raise
    finally:
        for wait in waits:
            wait.cancel()
    return underway.result
