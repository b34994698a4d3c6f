"""What the user must hear once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """text: one sentence that says what happened and what to do. actions: buttons, where the editor has them."""

    level: Level
    text: str
    actions: tuple[str, ...] = ()


Notify = Callable[[Notice], None]
