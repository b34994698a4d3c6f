"""How far the index is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """files: those that were looked at so far; of: all that are known by now. ended: the index is complete.

    note: something the user should know, as a sentence; None most of the time. A note after which `ended` never comes
    says why there is no index.
    """

    files: int
    of: int
    ended: bool = False
    note: str | None = None
