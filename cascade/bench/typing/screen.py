"""What a tool offers at the cursor, and since when the user sees it."""

from __future__ import annotations

from collections.abc import Callable

from rung.cascade.bench.typing.keys import Key


class Screen:
    """on_show: called when something else was shown. Times are seconds of the caller's clock."""

    def __init__(self, on_show: Callable[[], None] = lambda: None) -> None:
        self._on_show = on_show
        self.offer = ""
        self.since = 0.0

    def typed(self, key: Key) -> None:
        """The user pressed a key: the offer stays as far as it says what was typed."""
        agrees = not key.delete and self.offer.startswith(key.text)
        self.offer = self.offer[len(key.text) :] if agrees else ""

    def show(self, text: str, now: float) -> None:
        """Instead of what stood there; "" shows nothing.

        What says the same of the cursor's line is no news to the user.
        """
        if not self.offer or text.split("\n", 1)[0] != self.offer.split("\n", 1)[0]:
            self.since = now
        self.offer = text
        self._on_show()
