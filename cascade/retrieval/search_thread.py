"""The thread that searches, and what it knows of the open documents."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from queue import Empty, SimpleQueue

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.documents import Change
from rung.cascade.retrieval.fusing import SHARE, Share
from rung.cascade.retrieval.opening import OpenIndex
from rung.cascade.retrieval.overlay import Overlay
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.recent import BOOSTS, Boosts, Recent
from rung.cascade.retrieval.searching import Search
from rung.cascade.retrieval.showing import Showing


class SearchThread:
    """Its methods but `changed` run in one thread."""

    def __init__(
        self, root: Path, never_send: tuple[str, ...], index: Path, boosts: Boosts = BOOSTS, share: Share = SHARE
    ) -> None:
        self._showing = Showing(root, never_send)
        self._changes: SimpleQueue[Change] = SimpleQueue()
        self._overlay = Overlay()
        self._recent = Recent(boosts)
        self._search = Search(self._overlay, self._recent, share)
        self.index = OpenIndex(index)

    def changed(self, changes: Iterable[Change]) -> None:
        """From any thread; also where the search that it was meant for is called off."""
        for change in changes:
            self._changes.put(change)

    def search(self, query: Query, limit: int) -> tuple[Chunk, ...]:
        """Raises Damaged, NoFullText, sqlite3.Error, OSError."""
        self._apply_changes()
        return self._search.best(self.index.current(), query, limit, self._showing.allows)

    def _apply_changes(self) -> None:
        while True:
            try:
                change = self._changes.get_nowait()
            except Empty:
                return
            if change.line is not None:
                self._recent.edited(change.path, change.line)
            if change.text is None or not self._showing.allows(change.path):
                self._overlay.drop(change.path)
                self._recent.closed(change.path)
            else:
                self._overlay.put(change.path, change.text)
                self._recent.opened(change.path)
