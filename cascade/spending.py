"""Counting what an attempt spends, also when it is cut off in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rung.cascade.ladder import Rung
from rung.models.protocol import Generation, ModelError, OnSample, OnToken, Prompt, Sampling, Token, Usage

# No tokenizer makes more tokens than bytes; for code three bytes a token is already many.
_BYTES_A_TOKEN = 3


class Meter:
    """All calls of one attempt go through it. on_tokens: told the tokens generated so far."""

    def __init__(self, rung: Rung, on_tokens: Callable[[int], None] = lambda _: None) -> None:
        self._rung = rung
        self._on_tokens = on_tokens
        self._counted = Usage()
        self._open: dict[int, Usage] = {}
        self._unanswered: set[int] = set()
        self._calls = 0
        self._at_work: list[tuple[float, float]] = []

    @property
    def usage(self) -> Usage:
        """Counted for the calls that ended; estimated for those that were cut off, as far as their tokens were told."""
        return sum(self._open.values(), self._counted)

    @property
    def complete(self) -> bool:
        """False where a call was sent that came to no token: nobody knows what it cost."""
        return self._unanswered <= self._open.keys()

    @property
    def cost_usd(self) -> float:
        return self._rung.price.of(self.usage)

    @property
    def engine_seconds(self) -> float:
        """As the model measures them, so without the way to it and back; of calls at the same time only once."""
        return _length_of_union(self._at_work)

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        tell: OnToken = lambda _, __: None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """`Model.generate` of the rung, metered. tell: told each token, as the model tells it. Raises ModelError."""
        self._calls += 1
        call = self._calls

        def on_token(sample: int, token: Token) -> None:
            tell(sample, token)
            so_far = self._open.get(call) or Usage(prompt=prompt_tokens(prompt), counted=False)
            self._open[call] = so_far + Usage(generated=1)
            self._on_tokens(self.usage.generated)

        self._unanswered.add(call)
        try:
            generations = await self._rung.model.generate(prompt, sampling, on_token, on_sample)
        except ModelError as error:
            if not error.paid:
                self._unanswered.discard(call)
            raise
        self._unanswered.discard(call)
        self._open.pop(call, None)
        ended = time.monotonic()
        self._at_work.append((ended - max((generation.seconds for generation in generations), default=0.0), ended))
        self._counted = sum((generation.usage for generation in generations), self._counted)
        return generations


def prompt_tokens(prompt: Prompt) -> int:
    """An estimate for prompts whose server did not say."""
    return -(-len(prompt.text.encode("utf-8", "replace")) // _BYTES_A_TOKEN)


def bound(prompt: Prompt, sampling: Sampling) -> Usage:
    """The most that one call can cost.

    A token has a byte at least, but for the one that begins a text. Each sample may be as long as allowed,
    and a server that gives one sample a request is sent the prompt for each.
    """
    size = len(prompt.text.encode("utf-8", "replace")) + 1
    return Usage(prompt=sampling.n * size, generated=sampling.n * sampling.max_tokens, counted=False)


def _length_of_union(spans: Iterable[tuple[float, float]]) -> float:
    length, covered = 0.0, float("-inf")
    for begin, end in sorted(spans):
        length += max(0.0, end - max(begin, covered))
        covered = max(covered, end)
    return length
