"""What a project may spend on remote rungs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rung.cascade.telemetry.schema import NANO


@dataclass(frozen=True, slots=True)
class Limits:
    """Each project has these on its own. None: no limit.

    usd_per_day and tokens_per_day: from midnight to midnight, local time; tokens of prompts and answers.
    escalations_per_hour: within any 60 minutes. Raises ValueError for negative or infinite limits.
    """

    usd_per_day: float | None = None
    tokens_per_day: int | None = None
    escalations_per_hour: int | None = None

    def __post_init__(self) -> None:
        for limit in (self.usd_per_day, self.tokens_per_day, self.escalations_per_hour):
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise ValueError(f"A budget is 0 or more, not {limit}.")

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return any(limit is not None for limit in (self.usd_per_day, self.tokens_per_day, self.escalations_per_hour))


def nano_usd(usd: float) -> int:
    """$ in whole 10^-9 $, in which sums are exact."""
    return round(usd * NANO)
