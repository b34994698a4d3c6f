"""A loaded checkpoint with what belongs to it: its vocabulary, its key-value cache, and how fast it is here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rung.models.llama.cores import cores
from rung.models.llama.engine.backend import OUTPUTS, PARKED_SHARE, SEQUENCES, Backend, Decoded
from rung.models.llama.engine.drafts import Costs, Odds
from rung.models.llama.engine.draw import Draw
from rung.models.llama.engine.parked import Parked
from rung.models.llama.engine.slots import Slots
from rung.models.llama.engine.speed import measure
from rung.models.llama.engine.threads import ThreadCount
from rung.models.llama.engine.vocabulary import Vocabulary
from rung.models.llama.settings import EngineSettings

MAX_SAMPLES = OUTPUTS // 2  # of one request at once: two requests decode in one batch


class Engine:
    """Not for more than one thread; `Loop` drives it.

    drafts: what drafting needs; None where a draft could change the text: where it need not be exact, or where this
    machine's batches do not round as single tokens do (those of Q4_K checkpoints, of a GPU). generated: tokens so far.
    Raises ValueError where llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        self.backend = Backend(path, settings)
        self.vocabulary = Vocabulary(self.backend.model)
        self.draw = Draw(self.vocabulary.size)
        most = settings.threads or cores()
        drafting = settings.drafts and settings.exact and not self.backend.offloaded
        self.speed = measure(self.backend, most, drafts=drafting)
        self._single = ThreadCount(most)
        self._several = ThreadCount(most)
        self._single.begin(self.speed.single)
        self._several.begin(self.speed.several)
        parked = Parked(settings.cache_mb * 2**20 // PARKED_SHARE)
        self.slots = Slots(self.backend, SEQUENCES, parked, exact=settings.exact)
        self.drafts = (Odds(), Costs(self.speed.seconds)) if self.speed.exact else None
        self.generated = 0

    def decode(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[int], outputs: Sequence[int]
    ) -> Decoded:
        """`Backend.decode`, with as many threads as are fastest now."""
        count = self._several if len(tokens) > 1 else self._single
        self.backend.use_threads(self._single.count, self._several.count)
        began = time.monotonic()
        result = self.backend.decode(tokens, positions, sequences, outputs)
        if result is Decoded.DONE:
            ended = time.monotonic()
            count.observe(len(tokens), ended - began, ended)
        return result

    @property
    def context(self) -> int:
        """Tokens of prompt and generation of one sample together."""
        return self.backend.context

    def close(self) -> None:
        self.backend.close()
