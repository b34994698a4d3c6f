"""What tokens cost.

Chen et al. 2024, section 3.4: $ per token = (hours per token) x GPUs x $ per GPU-hour.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.models.protocol import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """$ per million tokens, of the prompt and of what is generated."""

    input_usd: float = 0.0
    output_usd: float = 0.0

    def of(self, usage: Usage) -> float:
        """$ for `usage`. Cached prompt tokens are priced like the others: few servers discount them."""
        return (usage.prompt * self.input_usd + usage.generated * self.output_usd) / MILLION

    @staticmethod
    def from_hardware(hours_per_million: float, gpus: int, usd_per_gpu_hour: float) -> Price:
        """The paper's price (section 3.4): of generated tokens only, the prompt is in the time."""
        return Price(0.0, hours_per_million * gpus * usd_per_gpu_hour)


FREE = Price()
