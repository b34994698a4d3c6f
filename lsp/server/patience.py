"""How long an automatic request waits before a model works for it, learned from the user and the models."""

from __future__ import annotations

import time

from rung.cascade.attempt import Climb
from rung.cascade.rhythm import Rhythm

# A local answer that is superseded costs nothing but heat, and its prompt stays in the cache: only slow ones wait.
SLOW_S = 0.3
LOCAL_MOST_S = 0.15
# A remote one costs money.
REMOTE_MOST_S = 0.3
_ODDS = 0.5
_FADING = 0.2  # what the last answer counts


class Patience:
    """local_s, remote_s: what the last answers took."""

    def __init__(self) -> None:
        self._rhythm = Rhythm()
        self.local_s = 0.0
        self.remote_s = 0.5

    def typed(self) -> None:
        self._rhythm.key(time.monotonic())

    def answered(self, climb: Climb) -> None:
        """Learn from a climb that came to its end."""
        for step in climb.steps:
            if step.attempt is None:
                continue
            if step.remote:
                self.remote_s += _FADING * (step.seconds - self.remote_s)
            else:
                self.local_s += _FADING * (step.seconds - self.local_s)

    @property
    def before_local(self) -> float:
        """Seconds."""
        return 0.0 if self.local_s < SLOW_S else self._rhythm.pause(self.local_s, _ODDS, LOCAL_MOST_S)

    @property
    def before_remote(self) -> float:
        """Seconds."""
        return self._rhythm.pause(self.remote_s, _ODDS, REMOTE_MOST_S)
