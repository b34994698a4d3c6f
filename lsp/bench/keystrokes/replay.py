"""Types a stretch beside one tool, in real time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from rung.cascade.bench.typing.figures import Replay
from rung.cascade.bench.typing.keys import Key, KeyKind, Place
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.pauses import Hand
from rung.cascade.bench.typing.screen import Screen
from rung.cascade.bench.typing.stretch import Stretch
from rung.cascade.bench.typing.user import REACTION_S, right_part
from rung.lsp.bench.keystrokes.side import Side, Watch


def pauses_of(stretch: Stretch, hand: Hand, seed: int) -> dict[Place, float]:
    """Seconds before the key at each place, so that it is the same whatever was accepted before it."""
    keys = stretch.typed.all_keys()
    return dict(zip((place for place, _ in keys), hand.pauses([key.kind for _, key in keys], seed), strict=True))


async def replay(side: Side, stretch: Stretch, pauses: Mapping[Place, float], on_key: Callable[[], None]) -> Replay:
    """The page holds the real text at the end, whatever is offered. Raises BenchFailed."""
    typed = stretch.typed
    page, watch, news = Page(stretch.head, stretch.tail), Watch(), asyncio.Event()
    screen = Screen(news.set)
    await side.open(stretch, page, screen, watch)
    found = Replay(side.name, stretch.name, typed.written(0, len(typed.text)))
    place, began = Place(0), time.perf_counter()
    last = began
    while (step := typed.next_key(place)) is not None:
        rest = "" if place.excess else typed.text[place.done :]
        part = await _until(last + pauses[place], rest, screen, news, watch)
        watch.act()
        last = time.perf_counter()
        if part:
            page.press(Key(KeyKind.SIGN, 0, part))
            side.accepted(part, page)
            found.accepts += 1
            found.written += typed.written(place.done, place.done + len(part))
            place = Place(place.done + len(part))
        else:
            key, place = step
            page.press(key)
            side.acted(key, page)
            found.keys += 1
        if screen.offer:
            watch.shown()
        on_key()
    found.seconds = time.perf_counter() - began
    found.spent = await side.leave()
    found.acts = watch.acts[:-1]  # behind the last one nothing was to be written
    if page.before != stretch.head + typed.text:
        raise AssertionError(f"{stretch.name} was not typed as it stands there")
    return found


async def _until(due: float, rest: str, screen: Screen, news: asyncio.Event, watch: Watch) -> str:
    """Wait for the time of the next key ("") or the time at which a part of an offer is accepted (that part)."""
    while True:
        news.clear()
        if screen.offer:
            watch.shown()
        part = right_part(screen.offer, rest)
        accept = screen.since + REACTION_S if part else math.inf
        left = min(due, accept) - time.perf_counter()
        if left <= 0:
            return part if accept <= due else ""
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), left)
