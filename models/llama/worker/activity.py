"""Whether the worker has anything to do, and since when not."""

from __future__ import annotations

import threading
import time


class Activity:
    """For any thread. Once it rests, no request begins any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._last = time.monotonic()
        self._resting = False

    @property
    def running(self) -> int:
        """Requests that were begun and have not ended."""
        return self._running

    @property
    def idle_s(self) -> float:
        """Since the last one ended; 0 while one is running."""
        with self._lock:
            return 0.0 if self._running else time.monotonic() - self._last

    def begin(self) -> bool:
        with self._lock:
            if self._resting:
                return False
            self._running += 1
            return True

    def end(self) -> None:
        with self._lock:
            self._running -= 1
            self._last = time.monotonic()

    def rest(self) -> bool:
        """Unless something is running."""
        with self._lock:
            self._resting = not self._running
            return self._resting
