"""Whether there is an engine to ask."""

from __future__ import annotations

from enum import StrEnum

from rung.models.server.asked import Busy, EngineFailed, Load
from rung.models.server.http.answering import Answering
from rung.models.server.http.errors import Unready

_FAILED = 3  # requests in a row that could not be computed: a GPU whose driver gave up does not come back by itself


class State(StrEnum):
    """Of the server. FAILING: it should be started again."""

    LOADING = "loading"
    READY = "ready"
    CLOSING = "closing"
    FAILING = "failing"


class Desk:
    """loading ── open ──> ready ── close ──> closing; a server may close while it loads."""

    def __init__(self) -> None:
        self._state = State.LOADING
        self._engine: Answering | None = None

    @property
    def state(self) -> State:
        failing = self._state is State.READY and self._engine is not None and self._engine.load.failed >= _FAILED
        return State.FAILING if failing else self._state

    def open(self, engine: Answering) -> None:
        self._engine = engine
        self._state = State.READY

    def close(self) -> None:
        self._state = State.CLOSING

    def engine(self) -> Answering:
        """Raises Unready."""
        if self._engine is None or self._state is State.CLOSING:
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
