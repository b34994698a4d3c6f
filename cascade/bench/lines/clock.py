"""The time that a user would have waited, by what was measured when each call was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class VirtualClock:
    """seconds: the sum of what was spent so far. Calls are taken one after the other, as a climb makes them."""

    seconds: float = 0.0
