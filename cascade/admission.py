"""The gate that the language server uses: what a project keeps private, then what its budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.budget import Budget, Refusal
from rung.cascade.gate import Pass, Refused
from rung.cascade.ladder import Rung
from rung.cascade.privacy import may_send
from rung.cascade.task import Task


@dataclass(frozen=True, slots=True)
class Admission:
    """root: of the project. never_send: patterns of the configuration. expires_s: when no climb can be under way."""

    budget: Budget
    root: Path | None
    never_send: Sequence[str]
    expires_s: float

    async def private(self, task: Task, text: str) -> Refused | None:
        """See `Gate`."""
        reason = await asyncio.to_thread(may_send, task.path, text, self.root, self.never_send)
        return None if reason is None else Refused(reason)

    async def reserve(self, request: str, rung: Rung, *, tokens: int, usd: float) -> Pass | Refused:
        """See `Gate`."""
        reserved = await self.budget.reserve(request, rung.name, tokens=tokens, usd=usd, expires_s=self.expires_s)
        return Refused(reserved.reason) if isinstance(reserved, Refusal) else reserved
