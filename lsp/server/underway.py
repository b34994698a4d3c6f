"""A climb that goes on while what the user types agrees with what it has written so far.

Who types what is being written has the answer sooner than by asking anew with every key; where keys come faster than
answers, nothing would ever be shown otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from rung.cascade.answers import typed_since
from rung.cascade.attempt import Climb


class Underway:
    """there: the text before and after the cursor then. limit: seconds after which the climb is stopped.

    early: what may be shown until it has ended. told: there is something early, or it has ended, or was told to.
    """

    def __init__(
        self, before: str, after: str, run: Callable[[Underway], Coroutine[None, None, Climb]], limit: float
    ) -> None:
        self.there = before, after
        self._typed = ""
        self._written = ""
        self.early: Climb | None = None
        self.over = asyncio.Event()
        self.told = asyncio.Event()
        self.climb = asyncio.ensure_future(run(self))
        deadline = asyncio.get_running_loop().call_later(limit, self.stop)
        self.climb.add_done_callback(lambda _: deadline.cancel())
        self.climb.add_done_callback(lambda _: self._is_over())

    def goes_on(self, before: str, after: str) -> bool:
        """Whether it serves this place too, as far as anybody can tell; where it does not, it is cancelled."""
        typed = typed_since(self.there, (before, after))
        self._typed = typed or ""
        if typed is None or not self._agrees():
            self.stop()
        return not self.climb.cancelling()

    def stop(self) -> None:
        self.climb.cancel()
        self._is_over()  # whether it stops or not, nothing more is to be waited for

    @property
    def result(self) -> Climb | None:
        """None: it has not come to its end."""
        climb = self.climb
        return climb.result() if climb.done() and not climb.cancelled() and climb.exception() is None else None

    def begin(self, early: Climb) -> None:
        """See `OnEarly`."""
        self.early = early
        self.told.set()

    def write(self, _: str, text: str) -> None:
        """See `OnText`."""
        self._written = text
        if not self._agrees():
            self.stop()

    def _is_over(self) -> None:
        self.over.set()
        self.told.set()

    def _agrees(self) -> bool:
        # Nothing is known of what a prompt that is still read leads to; asked anew it is shorter by what was typed.
        if not self._typed or not self._written:
            return not self._typed
        return self._written.startswith(self._typed) or self._typed.startswith(self._written)
