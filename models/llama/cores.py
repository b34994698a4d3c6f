"""How many threads this machine has room for."""

from __future__ import annotations

import os

_MOST = 16  # small checkpoints gain nothing from more


def cores() -> int:
    """Processor cores that this process may run on, at most 16."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(available, _MOST))
