"""The spans of time that limits are of, as pairs of UTC texts: from, and before.

Both ends are bounded. A clock that was set back leaves entries in the future: those of today still count, those that a
wrong clock put years ahead do not block the budget until then.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from rung.cascade.telemetry.clock import utc_text

Window = tuple[str, str]

_HOUR_S = 3600.0


def local_day(now: float) -> Window:
    """Midnight to midnight on the user's clock: 23 or 25 hours where summer time begins or ends."""
    today = datetime.fromtimestamp(now).date()
    return _midnight(datetime.combine(today, time())), _midnight(datetime.combine(today + timedelta(days=1), time()))


def around_hour(now: float) -> Window:
    """The last 60 minutes, and the next, where a clock that was set back has left entries."""
    return utc_text(now - _HOUR_S), utc_text(now + _HOUR_S)


def _midnight(local: datetime) -> str:
    return utc_text(local.timestamp())
