"""Times as the database keeps them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since 1970 (UTC), as `time.time` gives them."""


def utc_text(seconds: float) -> str:
    """`2026-03-01T12:00:00.000Z`: all of one length, so they sort as text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
