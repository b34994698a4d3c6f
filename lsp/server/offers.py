"""The latest offer in each document, and the reports of what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from rung.cascade.attempt import Climb
from rung.cascade.outcome import OfferedText, left_over, without_closer
from rung.cascade.task import Rejected
from rung.cascade.telemetry import Outcome
from rung.cascade.trigger import Trigger
from rung.lsp.server.documents import Document, Place
from rung.lsp.server.projects import Project
from rung.lsp.server.protocol import log_if_failed
from rung.lsp.server.spot import Spot

log = logging.getLogger(__name__)

REMEMBERED = 256  # offers that can still be accepted or explained
_REPORT_S = 10.0


@dataclass(slots=True)
class Offer:
    """What a request was answered with. climb: which found it. text: what is left of its answer at this place.

    typed_over: something else was typed here: an implicit rejection (MCCom); or it was dismissed.
    early: the climb goes on, and is recorded then; `climb` is recorded only where the user decides on it before.
    seen: the editor has told that it is on the screen.
    """

    uri: str
    climb: Climb
    text: OfferedText
    spot: Spot
    project: Project
    typed_over: bool = False
    early: bool = False
    seen: bool = False

    @property
    def id(self) -> str:
        return self.climb.id

    @property
    def most_lines(self) -> int:
        """Of its longest text, and one that was typed on."""
        return max(text.count("\n") for text in self.text.texts) + 2


class Offers:
    """Follows the latest offer of each document; older ones can only be accepted late."""

    def __init__(self) -> None:
        self._latest: dict[str, Offer] = {}
        self._known: OrderedDict[str, Offer] = OrderedDict()
        self._typed_over: dict[str, Offer] = {}  # the latest of each document
        self._reports: set[asyncio.Task[None]] = set()

    def find(self, request_id: str) -> Offer | None:
        return self._known.get(request_id)

    def offer(self, offer: Offer, document: Document) -> None:
        """`offer` is shown in its document now, in place of the one before."""
        old = self._latest.get(offer.uri)
        if old is not None:
            self._replace(old, offer, document)
        self._latest[offer.uri] = offer
        self._known[offer.id] = offer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def improve(self, early_id: str, better: Offer | None, document: Document) -> None:
        """What was offered early is no longer: `better` is, maybe with the same text; None: nothing."""
        early = self._known.get(early_id)
        if early is None or self._latest.get(early.uri) is not early:
            return  # the document was closed, or something newer is shown
        del self._latest[early.uri]
        if better is None:
            return
        self.offer(better, document)
        same = better.text.texts[0] == early.text.texts[0]
        if same:
            self._known[early_id] = better  # its item has the early id
        if early.seen or not same:
            self._report(better, Outcome.SHOWN)

    def goes_on(self, uri: str) -> bool:
        """Whether all that was typed since the latest offer of the document agrees with it."""
        offer = self._latest.get(uri)
        return offer is not None and offer.text.undecided

    def follows(self, uri: str, climb_id: str) -> bool:
        """Whether the latest offer of the document is that climb's, and undecided."""
        return self.goes_on(uri) and self._latest[uri].id == climb_id

    def is_rejected(self, climb_id: str) -> bool:
        """Whether that climb's answer was typed over."""
        offer = self._known.get(climb_id)
        return offer is not None and offer.typed_over

    def rejected_at(self, uri: str, document: Document, place: Place) -> Rejected | None:
        """What was shown in the line of `place` and typed over, until the line is gone or an offer in it is taken."""
        offer = self._typed_over.get(uri)
        if offer is None or offer.climb.answer is None:
            return None
        since = offer.spot.since(document, 1)
        if since is None or offer.spot.line != place.line:
            return None
        answer = offer.climb.answer
        return Rejected(answer.rung, left_over(offer.text.texts[0], since), answer.least_score)

    def changed(self, uri: str, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """The document has changed already."""
        offer, typed_over = self._latest.get(uri), self._typed_over.get(uri)
        for followed in {id(each): each for each in (offer, typed_over) if each is not None}.values():
            for change in changes:
                followed.spot.follow(change)
        if offer is None or not offer.text.undecided:
            return
        since = offer.spot.since(document, offer.most_lines)
        if since is not None and not any(text.startswith(since) for text in offer.text.texts):
            kept = without_closer(offer.text.since, since)
            offer.spot.widen_tail(since, kept)
            since = kept
        outcome = offer.text.typed(since)
        if outcome is Outcome.REJECTED and since:
            offer.typed_over = True
            self._typed_over[uri] = offer
        elif outcome is not None:
            self._typed_over.pop(uri, None)
        self._report(offer, outcome)

    def accepted(self, request_id: str) -> None:
        """The editor inserted one of its texts. What was never offered is not reported."""
        if (offer := self._known.get(request_id)) is not None:
            self._typed_over.pop(offer.uri, None)
            self._report(offer, offer.text.accepted())

    def told(self, request_id: str, outcome: Outcome) -> None:
        """The editor says what it knows of an offer beside what its document shows. Others are not reported."""
        offer = self._known.get(request_id)
        if offer is None:
            return
        if outcome is Outcome.ACCEPTED:
            self.accepted(request_id)
        elif outcome is Outcome.PARTLY_ACCEPTED:
            offer.text.taken()
        elif outcome is Outcome.DISMISSED:
            self._dismiss(offer)
        elif offer.text.undecided:
            offer.seen = True
            if not offer.early:
                self._report(offer, outcome)

    def closed(self, uri: str) -> None:
        self._typed_over.pop(uri, None)
        if (offer := self._latest.pop(uri, None)) is not None:
            self._report(offer, offer.text.gone())

    def close_all(self) -> None:
        for uri in list(self._latest):
            self.closed(uri)

    async def reported(self, limit: float) -> None:
        """Wait for the reports that are under way, at most `limit` seconds."""
        if self._reports:
            await asyncio.wait(self._reports, timeout=limit)

    def _dismiss(self, offer: Offer) -> None:
        if offer.text.undecided and offer.text.remaining:  # also what is left where a part was accepted
            offer.typed_over = True
            self._typed_over[offer.uri] = offer
        self._report(offer, offer.text.dismissed())

    def _replace(self, old: Offer, new: Offer, document: Document) -> None:
        rest = old.text.remaining
        here = old.text.undecided and old.spot.since(document, old.most_lines) is not None
        same_place = here and old.spot.line + old.text.since.count("\n") == new.spot.line
        if same_place and rest and new.text.texts[0] == rest:
            old.text.continued()
        else:
            self._report(old, old.text.gone())

    def _report(self, offer: Offer, outcome: Outcome | None) -> None:
        if offer.early and outcome is Outcome.IGNORED and not offer.seen:
            return  # nobody has decided on it, or seen it: what its climb finds is recorded
        if outcome is not None:
            if offer.early:
                offer.early = False
                offer.project.completer.shown(offer.climb, Trigger.AUTOMATIC)
            task = asyncio.get_running_loop().create_task(self._send(offer, outcome))
            self._reports.add(task)
            task.add_done_callback(self._reported)

    async def _send(self, offer: Offer, outcome: Outcome) -> None:
        async with asyncio.timeout(_REPORT_S):
            await offer.project.completer.outcome(offer.id, outcome)

    def _reported(self, task: asyncio.Task[None]) -> None:
        self._reports.discard(task)
        log_if_failed("Reporting an outcome", task)
