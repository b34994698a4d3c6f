"""One request for a completion."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from lsprotocol import types
from lsprotocol.types import InlineCompletionParams

from rung.cascade.trigger import Trigger
from rung.lsp.server.documents import Document, Place


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


def asked_of(uri: str, document: Document, params: InlineCompletionParams) -> Asked:
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
