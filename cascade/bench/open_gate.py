"""The gate of benchmarks: public code, no budget."""

from __future__ import annotations

from rung.cascade.gate import Pass, Refused
from rung.cascade.ladder import Rung
from rung.cascade.task import Task
from rung.models.protocol import Usage


class OpenGate:
    """Implements `rung.cascade.gate.Gate`."""

    async def private(self, _task: Task, _text: str) -> None:
        """Nothing is."""

    async def reserve(self, _request: str, _rung: Rung, *, tokens: int, usd: float) -> Pass | Refused:
        """There is always enough."""
        return _Unlimited()


class _Unlimited:
    async def settle(self, _usage: Usage, _usd: float) -> None:
        """Nobody counts."""

    async def release(self) -> None:
        """Nobody counts."""
