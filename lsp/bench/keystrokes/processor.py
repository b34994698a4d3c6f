"""How much processor time processes use, as Linux counts it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection
from pathlib import Path

from rung.models.bench.work import BenchFailed

_PROC = Path("/proc")
_PARENT, _USER, _SYSTEM = 1, 11, 12  # fields of /proc/PID/stat behind the name
_LOOK_S = 0.5
_QUIET = 0.03  # of a core
_LONGEST_S = 180.0


def processor_s(pids: Collection[int]) -> float | None:
    """Seconds of these processes and all below them since their start; None where the system does not tell."""
    fields = {int(path.name): found for path in _PROC.glob("[0-9]*") if (found := _stat(path))}
    if not fields:
        return None
    wanted = set(pids)
    while True:
        below = {pid for pid, found in fields.items() if int(found[_PARENT]) in wanted} - wanted
        if not below:
            break
        wanted |= below
    ticks = sum(int(fields[pid][at]) for pid in wanted & fields.keys() for at in (_USER, _SYSTEM))
    return ticks / os.sysconf("SC_CLK_TCK")


async def share_over(pids: Collection[int], seconds: float) -> float | None:
    """Of one core, over the next `seconds`."""
    began, before = time.perf_counter(), processor_s(pids)
    await asyncio.sleep(seconds)
    after = processor_s(pids)
    return None if before is None or after is None else (after - before) / (time.perf_counter() - began)


async def quiet(pids: Collection[int]) -> None:
    """Wait until these processes have nothing more to do. Raises BenchFailed where they do not come to rest."""
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        share = await share_over(pids, _LOOK_S)
        if share is None or share < _QUIET:
            return
    raise BenchFailed(f"rung serve was still at work {_LONGEST_S:.0f} s after the last key: name smaller trees.")


def _stat(path: Path) -> list[str]:
    try:
        text = (path / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # it has just ended
    return text.rpartition(")")[2].split()
