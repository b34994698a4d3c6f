"""The question whether a project's settings may count that are looser than the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from rung.cascade.config import ConfigError, Preview, Settings, preview
from rung.lsp.notice import Level, Notice
from rung.lsp.server.notices import Notices

TRUST = "Trust"
_SHOWN = 3  # settings that a notice names


class Trusting:
    """Tells what is held back; on the user's click exactly what was told is trusted."""

    def __init__(self, notices: Notices, look_again: Callable[[], None]) -> None:
        self._notices = notices
        self._look_again = look_again

    def tell(self, settings: Settings) -> None:
        """Call it in the event loop."""
        root = settings.project_root
        if settings.held_back and root is not None:
            self._notices.run(self._tell(settings, root))

    async def _tell(self, settings: Settings, root: Path) -> None:
        try:
            shown = await asyncio.to_thread(preview, root)
        except ConfigError:  # changed since: the next look tells
            return
        if shown.before.held_back == settings.held_back:
            chosen = await self._notices.ask(Notice(Level.WARNING, _text(settings), (TRUST,)))
            if chosen == TRUST:
                await self._accept(shown)

    async def _accept(self, shown: Preview) -> None:
        try:
            await asyncio.to_thread(shown.accept)
        except ConfigError as error:
            self._notices.tell(Notice(Level.ERROR, str(error)))
        else:
            self._look_again()


def _text(settings: Settings) -> str:
    sentences = [held.sentence for held in settings.held_back[:_SHOWN]]
    more = len(settings.held_back) - len(sentences)
    if more:
        sentences.append(f"{more} more wait as well")
    return "; ".join(sentences) + ". Trust the file, or run `rung trust` to see all of it."
