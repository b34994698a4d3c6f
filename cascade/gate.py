"""What a remote rung must pass before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rung.cascade.ladder import Rung
from rung.cascade.task import Task
from rung.models.protocol import Usage


@dataclass(frozen=True, slots=True)
class Refused:
    """reason: a sentence for the user."""

    reason: str


class Pass(Protocol):
    """Money and tokens set aside for one attempt. Neither is called where nobody knows what was spent: it stays so."""

    async def settle(self, usage: Usage, usd: float) -> None:
        """Replace what was set aside by what was spent."""

    async def release(self) -> None:
        """Nothing was sent."""


class Gate(Protocol):
    """Privacy first, then the budget."""

    async def private(self, task: Task, text: str) -> Refused | None:
        """Whether `text`, of the task's file, must stay on this machine."""
        ...

    async def reserve(self, request: str, rung: Rung, *, tokens: int, usd: float) -> Pass | Refused:
        """Set aside at most `tokens` and `usd`, over all servers at once."""
        ...
