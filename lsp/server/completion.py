"""textDocument/inlineCompletion: one climb at a time in each document, one answer for each request."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from urllib.parse import unquote

from lsprotocol import types
from lsprotocol.types import InlineCompletionItem, InlineCompletionParams

from rung.cascade.attempt import Climb
from rung.cascade.outcome import OfferedText
from rung.cascade.task import Task, TaskKind
from rung.cascade.trigger import Trigger
from rung.lsp.server.documents import Document, Place
from rung.lsp.server.offers import Offer, Offers
from rung.lsp.server.progress import Progress
from rung.lsp.server.projects import Project, Projects
from rung.lsp.server.protocol import RungProtocol, log_failure
from rung.lsp.server.spot import Spot
from rung.lsp.server.windows import text_after, text_before

ACCEPT = "rung.accept"
MAX_ITEMS = 5
GRACE_S = 5.0  # beyond the deadline that a climb keeps itself; recording what it spent takes a moment


@dataclass(slots=True)
class Asked:
    """One request, and the document as it was then.

    start, end: what an item replaces; empty at the cursor, but for an entry that is selected in the editor's list of
    completions: then what that entry replaces. selected: that entry's text, with which an answer must begin.
    """

    uri: str
    document: Document
    revision: int
    trigger: Trigger
    range: types.Range
    start: Place
    end: Place
    selected: str
    token: types.ProgressToken | None
    overtaken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def moot(self) -> bool:
        """A newer request came, or the document changed or was closed."""
        return self.overtaken.is_set() or self.document.revision != self.revision


class Completions:
    """Answers null wherever there is nothing to show: an empty list would wipe a newer answer in some editors."""

    def __init__(self, protocol: RungProtocol, projects: Projects, offers: Offers) -> None:
        self._protocol = protocol
        self._projects = projects
        self._offers = offers
        self._running: dict[str, Asked] = {}
        self._climbs: set[asyncio.Task[Climb]] = set()

    def ask(self, params: InlineCompletionParams) -> asyncio.Task[types.InlineCompletionList | None] | None:
        """Call it in the order of the messages: what the document holds now is what is completed."""
        uri = unquote(params.text_document.uri)
        document = self._protocol.documents().find(uri)
        self.overtake(uri)
        if document is None or not document.in_sync:
            return None
        asked = self._running[uri] = _asked(uri, document, params)
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        task.add_done_callback(lambda _: self._ended(asked))
        return task

    def overtake(self, uri: str) -> None:
        """Nobody waits any more for what was asked in this document."""
        if (asked := self._running.pop(uri, None)) is not None:
            asked.overtaken.set()

    async def close(self, limit: float) -> None:
        """Cancel every climb and wait until it has stopped."""
        for climb in self._climbs:
            climb.cancel()
        if self._climbs:
            await asyncio.wait(self._climbs, timeout=limit)

    def _ended(self, asked: Asked) -> None:
        if self._running.get(asked.uri) is asked:
            del self._running[asked.uri]

    async def _answer(self, asked: Asked) -> types.InlineCompletionList | None:
        before, after = text_before(asked.document, asked.start), text_after(asked.document, asked.end)
        project = await self._projects.of(asked.document.file)
        if project is None or asked.moot:
            return None
        self._projects.latest = project
        with project.climbing():
            completer, language = project.completer, asked.document.language_id or ""
            task = await asyncio.to_thread(
                completer.task_at, before + asked.selected, after, path=asked.document.file, language=language
            )
            if task is None or asked.moot:
                return None
            climb = await self._climb(asked, project, task)
        return None if climb is None or asked.moot else self._show(asked, project, climb)

    async def _climb(self, asked: Asked, project: Project, task: Task) -> Climb | None:
        deadline = project.settings.config.deadline
        limit = GRACE_S + (deadline.function if task.kind is TaskKind.FUNCTION else deadline.line)
        wanted = self._wants_progress(asked, task)
        async with Progress(self._protocol, asked.token, asked.overtaken.set) if wanted else nullcontext() as progress:
            report = progress.report if progress else None
            climb = asyncio.ensure_future(project.completer.complete(task, asked.trigger, report))
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

    def _show(self, asked: Asked, project: Project, climb: Climb) -> types.InlineCompletionList | None:
        texts = _texts(asked, climb)
        if not texts:
            return None
        spot = Spot.at(asked.document, asked.start, asked.end)
        offer = Offer(climb.id, OfferedText(texts), spot, project)
        since = spot.since(asked.document, offer.most_lines)
        if since:
            offer.text.typed(since)
        self._offers.offer(asked.uri, offer, asked.document)
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


def _asked(uri: str, document: Document, params: InlineCompletionParams) -> Asked:
    at = document.locate(params.position)
    kind = params.context.trigger_kind
    asked = Asked(
        uri=uri,
        document=document,
        revision=document.revision,
        trigger=Trigger.INVOKED if kind == types.InlineCompletionTriggerKind.Invoked else Trigger.AUTOMATIC,
        range=types.Range(params.position, params.position),
        start=at,
        end=at,
        selected="",
        token=params.work_done_token,
    )
    if (chosen := params.context.selected_completion_info) is not None:
        start, end = document.locate(chosen.range.start), document.locate(chosen.range.end)
        if start.line == at.line and start <= at == end and "\n" not in chosen.text and "\r" not in chosen.text:
            asked.range, asked.start, asked.selected = chosen.range, start, chosen.text
    return asked


def _texts(asked: Asked, climb: Climb) -> tuple[str, ...]:
    """What to insert: never nothing, nothing twice, several only for who asked by hand."""
    if climb.answer is None:
        return ()
    found = [climb.answer.text]
    if asked.trigger is Trigger.INVOKED:
        found += climb.answer.others
    cleaned = (text.replace("\r\n", "\n").replace("\r", "\n") for text in found)
    return tuple(dict.fromkeys(asked.selected + text for text in cleaned if text))[:MAX_ITEMS]


def _result(climb: asyncio.Future[Climb]) -> Climb | None:
    """None: it is still at work (and cancelled now), was cancelled, or failed."""
    if not climb.done() or climb.cancelled():
        return None
    if (error := climb.exception()) is not None:
        log_failure("A climb", error)
        return None
    return climb.result()
