"""The ordered rungs, smallest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rung.cascade.task import TaskKind
from rung.models.price import FREE, Price
from rung.models.protocol import Model


@dataclass(frozen=True, slots=True)
class Rung:
    """One model in the ladder, with its price and limits.

    remote: requests leave the machine. k, l: of the self-test (Chen et al. 2024, section 3.2).
    theta: overrides of the ladder's threshold. context: tokens of prompt and generation together.
    """

    name: str
    model: Model
    remote: bool = False
    k: int = 0
    l: int = 0  # noqa: E741  the paper's name
    theta: Mapping[TaskKind, float] = field(default_factory=dict)
    price: Price = FREE
    context: int = 2048


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs in the order in which they are asked."""

    rungs: tuple[Rung, ...]
    theta: Mapping[TaskKind, float]

    def theta_of(self, rung: Rung, kind: TaskKind) -> float:
        """The rung's own threshold, else the ladder's."""
        return rung.theta.get(kind, self.theta[kind])
