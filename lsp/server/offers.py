"""The latest offer in each document, and the reports of what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from rung.cascade.outcome import OfferedText, without_closer
from rung.cascade.telemetry import Outcome
from rung.lsp.server.documents import Document
from rung.lsp.server.projects import Project
from rung.lsp.server.protocol import log_failure
from rung.lsp.server.spot import Spot

log = logging.getLogger(__name__)

REMEMBERED = 256  # offers that can still be accepted or explained
_REPORT_S = 10.0


@dataclass(slots=True)
class Offer:
    """What one request was answered with. id: of its climb."""

    id: str
    text: OfferedText
    spot: Spot
    project: Project

    @property
    def most_lines(self) -> int:
        """Of its longest text, and one that was typed on."""
        return max(text.count("\n") for text in self.text.texts) + 2


class Offers:
    """Follows the latest offer of each document; older ones can only be accepted late."""

    def __init__(self) -> None:
        self._latest: dict[str, Offer] = {}
        self._known: OrderedDict[str, Offer] = OrderedDict()
        self._reports: set[asyncio.Task[None]] = set()

    def find(self, request_id: str) -> Offer | None:
        return self._known.get(request_id)

    def offer(self, uri: str, offer: Offer, document: Document) -> None:
        """`offer` is shown in the document now, in place of the one before."""
        old = self._latest.get(uri)
        if old is not None:
            self._replace(old, offer, document)
        self._latest[uri] = offer
        self._known[offer.id] = offer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def changed(self, uri: str, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """The document has changed already."""
        offer = self._latest.get(uri)
        if offer is None or not offer.text.undecided:
            return
        for change in changes:
            offer.spot.follow(change)
        since = offer.spot.since(document, offer.most_lines)
        if since is not None and not any(text.startswith(since) for text in offer.text.texts):
            kept = without_closer(offer.text.since, since)
            offer.spot.widen_tail(since, kept)
            since = kept
        self._report(offer, offer.text.typed(since))

    def accepted(self, request_id: str) -> None:
        """The editor inserted one of its texts. What was never offered is not reported."""
        if (offer := self._known.get(request_id)) is not None:
            self._report(offer, offer.text.accepted())

    def closed(self, uri: str) -> None:
        if (offer := self._latest.pop(uri, None)) is not None:
            self._report(offer, offer.text.gone())

    def close_all(self) -> None:
        for uri in list(self._latest):
            self.closed(uri)

    async def reported(self, limit: float) -> None:
        """Wait for the reports that are under way, at most `limit` seconds."""
        if self._reports:
            await asyncio.wait(self._reports, timeout=limit)

    def _replace(self, old: Offer, new: Offer, document: Document) -> None:
        rest = old.text.remaining
        here = old.text.undecided and old.spot.since(document, old.most_lines) is not None
        same_place = here and old.spot.line + old.text.since.count("\n") == new.spot.line
        if same_place and rest and new.text.texts[0] == rest:
            old.text.continued()
        else:
            self._report(old, old.text.gone())

    def _report(self, offer: Offer, outcome: Outcome | None) -> None:
        if outcome is not None:
            task = asyncio.get_running_loop().create_task(self._send(offer, outcome))
            self._reports.add(task)
            task.add_done_callback(self._reported)

    async def _send(self, offer: Offer, outcome: Outcome) -> None:
        async with asyncio.timeout(_REPORT_S):
            await offer.project.completer.outcome(offer.id, outcome)

    def _reported(self, task: asyncio.Task[None]) -> None:
        self._reports.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure("Reporting an outcome", error)
