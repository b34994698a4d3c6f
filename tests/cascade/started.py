"""Processes that a process has started."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """Of all its threads."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
                found += map(int, (task / "children").read_text().split())
    return found


def bwraps() -> list[int]:
    """The bwrap processes that this process has started."""
    return children(os.getpid())
