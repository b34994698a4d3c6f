"""llama.vim's way beside a stretch."""

from __future__ import annotations

import asyncio

from rung.cascade.bench.typing.figures import Spent
from rung.cascade.bench.typing.keys import Key
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.screen import Screen
from rung.cascade.bench.typing.stretch import Stretch
from rung.lsp.bench.keystrokes.peer import LlamaVim
from rung.lsp.bench.keystrokes.peer_cache import AnswerCache
from rung.lsp.bench.keystrokes.peer_ring import Ring
from rung.lsp.bench.keystrokes.peer_server import PeerServer
from rung.lsp.bench.keystrokes.project_copy import ProjectCopy
from rung.lsp.bench.keystrokes.side import Watch

NAME = "llama.vim's way"
_AROUND = 32


class PeerSide:
    """Its cache and its ring live as long as the editor, over all files."""

    name = NAME

    def __init__(self, server: PeerServer, copy: ProjectCopy, seed: int) -> None:
        self._server = server
        self._copy = copy
        self._ring, self._cache = Ring(seed), AnswerCache()
        self._screen = Screen()
        self._vim: LlamaVim | None = None
        self._before = (0, 0)

    @property
    def pids(self) -> tuple[int, ...]:
        return (self._server.pid,)

    async def open(self, stretch: Stretch, page: Page, screen: Screen, watch: Watch) -> None:
        """See `Side`. A file is entered, and left, at its first line; chunks are evaluated before the first key."""
        self._before = (self._server.evaluated, self._server.generated)
        folder = self._copy.folder(stretch.tree)
        for name in stretch.neighbours:
            text = await asyncio.to_thread((folder / name).read_text, encoding="utf-8")
            self._ring.pick(text.split("\n")[: _AROUND + 1], evict=True)
        lines, at = (page.before + page.after).split("\n"), page.line
        self._ring.pick(lines[max(at - _AROUND, 0) : at + _AROUND + 1], evict=True)
        await self._server.measure_tokens(page.before)
        while self._ring.promote():
            await self._server.warm(self._ring.chunks)
        self._screen = screen
        self._vim = LlamaVim(self._server, page, screen, watch, self._ring, self._cache)

    def acted(self, key: Key, page: Page) -> None:
        """See `Side`."""
        self._screen.typed(key)
        self._here.moved()

    def accepted(self, text: str, page: Page) -> None:
        """See `Side`."""
        self._screen.offer = ""
        self._here.moved()

    async def leave(self) -> Spent:
        """See `Side`."""
        vim = self._here
        await vim.close()
        evaluated, generated = self._before
        return Spent(self._server.evaluated - evaluated, self._server.generated - generated, vim.hits)

    @property
    def _here(self) -> LlamaVim:
        assert self._vim is not None
        return self._vim
