"""More and more requests at once, until that brings nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from rung.models.throughput.level import Level

MOST_AT_ONCE = 128
_RISE = 1.05  # times the best throughput so far; less is noise


async def climb(levels: Sequence[int] | None, run: Callable[[int], Awaitable[Level]]) -> AsyncIterator[Level]:
    """Each level as soon as it is measured.

    levels: these, in this order, until one has no answer at all. None: 1, 2, 4, ... up to `MOST_AT_ONCE`, until the
    generated tokens per second rise by less than 5%, or requests fail.
    """
    best = 0.0
    for concurrency in levels if levels is not None else doubling():
        level = await run(concurrency)
        yield level
        risen = level.sound and level.generated_a_second >= _RISE * best
        if not level.answers or (levels is None and not risen):
            return
        best = max(best, level.generated_a_second)


def doubling() -> tuple[int, ...]:
    """1, 2, 4, ..., `MOST_AT_ONCE`."""
    return tuple(1 << power for power in range(MOST_AT_ONCE.bit_length()))
