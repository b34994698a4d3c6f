"""llama.vim's way of asking, as a state machine of rung's own.

One request at a time and none cancelled; without a debounce when idle, else again after 100 ms. Where an offer stands
on the screen, what would be asked if it was accepted is asked ahead. In its favour: no process of curl is started for
each request, and a repetition that waits for a place that the cursor has left is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.screen import Screen
from rung.lsp.bench.keystrokes.peer_cache import AnswerCache
from rung.lsp.bench.keystrokes.peer_context import Context, context_at
from rung.lsp.bench.keystrokes.peer_hint import hint
from rung.lsp.bench.keystrokes.peer_ring import Ring
from rung.lsp.bench.keystrokes.peer_server import PeerServer
from rung.lsp.bench.keystrokes.side import Watch

_AGAIN_S = 0.1
# The first is quick, as the next one is asked ahead.
_FIRST_MS, _AHEAD_MS = 250, 1000
_UPDATE_S, _IDLE_S = 1.0, 3.0
_AROUND = 32  # lines
_FAR = 32
_SCOPE, _ABOVE, _BELOW, _CHUNK = 1024, 256, 64, 64


class LlamaVim:
    """In one file. hits: how often its memory had an answer. `moved` and `close` raise BenchFailed."""

    def __init__(self, server: PeerServer, page: Page, screen: Screen, watch: Watch, ring: Ring, cache: AnswerCache):
        self._server, self._page, self._screen, self._watch = server, page, screen, watch
        self._ring, self._cache = ring, cache
        self._indent = -1
        self._picked_at = -9999
        self._moved_at = 0.0
        self._job: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._updating = asyncio.get_running_loop().create_task(self._update())
        self.hits = 0

    def moved(self) -> None:
        """The text and the cursor are where `page` has them now."""
        self._raise_failure()
        self._moved_at = time.monotonic()
        self._stop_timer()  # its place was left
        shown = self._show_known()
        if shown is None:
            self._screen.show("", time.perf_counter())
        else:
            self.hits += bool(shown)
            self._watch.answered(shown, from_memory=True)
        self._ask(())

    async def close(self) -> None:
        """What was asked is answered; nothing more is asked."""
        self._updating.cancel()
        if self._job is not None:
            await asyncio.wait({self._job})
        self._stop_timer()
        with suppress(asyncio.CancelledError):
            await self._updating
        if self._job is not None:
            self._job.result()

    def _show_known(self) -> str | None:
        """Show what the cache has for this place, and ask ahead; None: it has no answer."""
        answer = self._cache.find(context_at(self._page.before, self._page.after))
        if answer is None:
            return None
        line = self._page.before.rpartition("\n")[2]
        shown = hint(answer, line, self._page.after.split("\n")[1:])
        self._screen.show(shown, time.perf_counter())
        if shown:
            self._ask(shown.split("\n"))
        return shown

    def _ask(self, shown: Sequence[str]) -> None:
        """shown: lines of an offer, to ask for what follows it; empty for what follows the cursor."""
        self._stop_timer()  # only one waits
        if self._job is not None:
            self._again = asyncio.get_running_loop().call_later(_AGAIN_S, self._ask, shown)
            return
        context = context_at(self._page.before, self._page.after, shown, self._indent)
        if any(key in self._cache for key in context.keys):
            return
        self._indent = context.indent
        self._ring.leave_out(self._around())
        self._job = asyncio.get_running_loop().create_task(self._run(context, _AHEAD_MS if shown else _FIRST_MS))
        self._pick()

    async def _run(self, context: Context, predict_ms: int) -> None:
        answer = await self._server.ask(context, self._ring.chunks, predict_ms)
        self._cache.insert(context.keys, answer)
        if not self._screen.offer and (shown := self._show_known()) is not None:
            self._watch.answered(shown, from_memory=False)
        self._job = None

    def _around(self) -> list[str]:
        lines, at = (self._page.before + self._page.after).split("\n"), self._page.line
        return lines[max(at - _AROUND, 0) : at + _AROUND + 1]

    def _pick(self) -> None:
        """Chunks from further above and below, where the cursor has gone far."""
        at = self._page.line
        if abs(at - self._picked_at) <= _FAR:
            return
        lines = (self._page.before + self._page.after).split("\n")
        self._ring.pick(lines[max(at - _SCOPE, 0) : max(at - _ABOVE, 0) + 1], evict=False)
        self._ring.pick(lines[at + _BELOW : at + _BELOW + _CHUNK + 1], evict=False)
        self._picked_at = at

    async def _update(self) -> None:
        """Idle, the next queued chunk is evaluated ahead."""
        while True:
            await asyncio.sleep(_UPDATE_S)
            if time.monotonic() - self._moved_at >= _IDLE_S and self._ring.promote():
                await self._server.warm(self._ring.chunks)

    def _stop_timer(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _raise_failure(self) -> None:
        if self._job is not None and self._job.done():
            self._job.result()
        if self._updating.done():
            self._updating.result()
