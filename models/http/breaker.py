"""A circuit breaker: a server that keeps failing is left alone for a while.

closed ── `threshold` failures in a row ──> open ── its time is over ──> half-open
half-open ── the one probe succeeds ──> closed; it fails ──> open, twice as long, up to a limit
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class State(StrEnum):
    """closed: all pass. open: none pass. half-open: one passes, as a probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitOpen(Exception):
    """Not let through. seconds: until the next try; 0 while a probe is under way."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class CircuitBreaker:
    """Counts failures of one server; belongs to one event loop, so it needs no lock.

    threshold: failures in a row that open it. first_open, longest_open: seconds.
    clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        threshold: int = 3,
        first_open: float = 5.0,
        longest_open: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._first_open = first_open
        self._longest_open = longest_open
        self._clock = clock
        self._failures = 0
        self._open_for = first_open
        self._open_until: float | None = None
        self._probe: Permit | None = None
        self._epoch = 0

    @property
    def state(self) -> State:
        if self._open_until is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._open_until else State.HALF_OPEN

    def enter(self) -> Permit:
        """Leave to ask the server; raises CircuitOpen. Every permit is to be ended, by one of its three methods."""
        state = self.state
        if state is State.CLOSED:
            return Permit(self, self._epoch)
        if state is State.OPEN or self._probe is not None:
            raise CircuitOpen(max(0.0, (self._open_until or 0.0) - self._clock()))
        self._probe = Permit(self, self._epoch)
        return self._probe

    def _succeeded(self, permit: Permit) -> None:
        if permit.epoch == self._epoch:
            self._failures = 0
            self._open_for = self._first_open
            self._open_until = None
        self._released(permit)

    def _failed(self, permit: Permit, wait: float | None) -> None:
        if permit.epoch == self._epoch:
            self._failures += 1
            probing = permit is self._probe
            if wait is not None or probing or self._failures >= self._threshold:
                self._open(wait, again=probing)
        self._released(permit)

    def _open(self, wait: float | None, *, again: bool) -> None:
        if again:
            self._open_for = min(self._open_for * 2, self._longest_open)
        seconds = self._open_for if wait is None else min(wait, self._longest_open)
        self._open_until = self._clock() + seconds
        # what was asked before this moment says nothing about the server after it
        self._epoch += 1
        self._failures = 0

    def _released(self, permit: Permit) -> None:
        if permit is self._probe:
            self._probe = None


class Permit:
    """One passage through the breaker; the first end counts, later ones do nothing."""

    def __init__(self, breaker: CircuitBreaker, epoch: int) -> None:
        self.epoch = epoch
        self._breaker: CircuitBreaker | None = breaker

    def succeed(self) -> None:
        """The server answered, if only to refuse the request."""
        if breaker := self._end():
            breaker._succeeded(self)

    def fail(self, wait: float | None = None) -> None:
        """The server is down or talks nonsense. wait: seconds that it asked to be left alone."""
        if breaker := self._end():
            breaker._failed(self, wait)

    def release(self) -> None:
        """Nothing was learnt: the request was cancelled."""
        if breaker := self._end():
            breaker._released(self)

    def _end(self) -> CircuitBreaker | None:
        breaker, self._breaker = self._breaker, None
        return breaker
