"""Whether there is an engine to ask."""

from __future__ import annotations

from enum import StrEnum

from rung.models.server.asked import Busy, EngineFailed, Load
from rung.models.server.http.answering import Answering
from rung.models.server.http.errors import Unready


class State(StrEnum):
    """Of the server."""

    LOADING = "loading"
    READY = "ready"
    CLOSING = "closing"


class Desk:
    """loading ── open ──> ready ── close ──> closing; a server may close while it loads."""

    def __init__(self) -> None:
        self.state = State.LOADING
        self._engine: Answering | None = None

    def open(self, engine: Answering) -> None:
        self._engine = engine
        self.state = State.READY

    def close(self) -> None:
        self.state = State.CLOSING

    def engine(self) -> Answering:
        """Raises Unready."""
        if self._engine is None or self.state is State.CLOSING:
            raise self._unready()
        return self._engine

    def load(self) -> Load | None:
        return self._engine.load if self._engine else None

    def why(self, error: Busy | EngineFailed) -> Busy | EngineFailed:
        """An engine that is being closed ends what runs as it can: that is no failure."""
        return self._unready() if self.state is State.CLOSING else error

    def _unready(self) -> Unready:
        if self.state is State.CLOSING:
            return Unready("The server is shutting down.", 30)
        return Unready("The model is being loaded; ask again soon.", 5)
