"""What tokens cost on hardware whose hours are paid.

Two prices of one measurement:

- Generated tokens only, as Chen et al. 2024, section 3.4, have it: all of the time is charged to them, and prompts are
  free. It is right for requests like those of the load, and too low for a user with longer prompts or shorter answers.
- Prompt and generated tokens. A second load of such prompts, with one token each, gives the seconds that a token of a
  prompt takes with as many requests under way; what is left of the first load's time is divided by what it generated.
  The two prices give exactly what the first load's time cost, and they go along with other mixtures, because reading a
  prompt and generating are charged by what each takes of the machine: a server interleaves them, so their times add up.

Both are those of a server that is busy all the time, which is what a token costs at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rung.models.price import MILLION, Price
from rung.models.throughput.level import Level
from rung.models.throughput.load import Kind

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Split:
    """price: of both kinds of tokens. prompt_share: of the machine's time that prompts took."""

    price: Price
    prompt_share: float


def hours_per_million(level: Level) -> float:
    """For a million generated tokens, as the paper's table 2 has them. The level is sound and has generated some."""
    return MILLION / level.generated_a_second / _HOUR


def chosen(levels: Sequence[Level], p95_seconds: float | None) -> Level | None:
    """The one of most throughput of those that are sound and, with `p95_seconds`, answer 95% of the lines within it.

    Lines: a user waits for them at a pause of the hand; a function may take its time. None: there is none.
    """
    return max(
        (level for level in levels if level.sound and level.generated and _meets(level, p95_seconds)),
        key=lambda level: level.generated_a_second,
        default=None,
    )


def split(level: Level, prompts: Level, usd_per_hour: float) -> Split | None:
    """prompts: the load of prompts only at the level's concurrency. usd_per_hour: of all GPUs together.

    None where that load took so long that nothing is left for generating: then the two cannot be told apart.
    """
    if not (prompts.sound and prompts.prompt and level.sound and level.generated):
        return None
    reading = level.prompt / prompts.prompt_a_second
    if reading >= level.seconds:
        return None
    a_second = usd_per_hour / _HOUR
    price = Price(
        a_second / prompts.prompt_a_second * MILLION, a_second * (level.seconds - reading) / level.generated * MILLION
    )
    return Split(price, reading / level.seconds)


def _meets(level: Level, p95_seconds: float | None) -> bool:
    lines = level.whole(Kind.LINE, 0.95)
    return p95_seconds is None or (lines is not None and lines <= p95_seconds)
