"""What every contestant is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class ContestantMissing(Exception):
    """It is not on this machine; the message says how to get it. The others are measured without it."""


class BenchFailed(Exception):
    """A contestant broke in the middle; the message says which and how. A table with holes would not be fair."""


@dataclass(frozen=True, slots=True)
class Work:
    """sequences: samples of the one prompt, together. stop: a sample ends before the first of these strings."""

    prompt: str
    max_tokens: int
    sequences: int = 1
    temperature: float = 0.8
    seed: int = 1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """seconds, first_token_s: from the call, as the caller sees it. cached: those of `prompt` not evaluated again.

    generated: tokens of all sequences together. shortest: of the sequence that ended first.
    """

    seconds: float
    first_token_s: float
    prompt: int
    cached: int
    generated: int
    shortest: int

    @property
    def evaluated(self) -> int:
        return self.prompt - self.cached


class Contestant(Protocol):
    """One way to run a checkpoint.

    batches: whether sequences of one prompt decode together.
    samples: whether it chooses tokens, and knows stop strings.
    """

    @property
    def name(self) -> str: ...

    @property
    def batches(self) -> bool: ...

    @property
    def samples(self) -> bool: ...

    async def start(self) -> None:
        """Load the checkpoint. Raises ContestantMissing, BenchFailed."""
        ...

    async def ask(self, work: Work) -> Answer:
        """Raises BenchFailed."""
        ...

    async def close(self) -> None:
        """End its processes; more than once is allowed."""
        ...
