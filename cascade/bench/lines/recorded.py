"""A rung's model whose calls are made once: the same call gives the same answer later, in the same virtual time."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import replace

from rung.cascade.bench.lines.call import Call, call_key, call_of, call_row, doubted
from rung.cascade.bench.lines.clock import VirtualClock
from rung.cascade.bench.lines.journal import Journal
from rung.models.protocol import Generation, Model, ModelUnavailable, OnSample, OnToken, Prompt, Sampling


class RecordedModel:
    """Implements `rung.models.protocol.Model`. name: in the journal; other settings of an engine want another one.

    model: None where every call is expected to be in the journal. drafts, doubts: whether it is told those that come
    with a call. warm: the model has read all up to the cursor's line before it is asked, as while somebody types.
    A call is made without its `doubt`, so that one recording serves every θ, and written down whole; the doubt then
    cuts off what is given back, and the seconds. A call that is cancelled while it is made is not written down.
    """

    def __init__(
        self,
        name: str,
        model: Model | None,
        journal: Journal,
        clock: VirtualClock,
        *,
        drafts: bool = True,
        doubts: bool = True,
        warm: bool = False,
    ) -> None:
        self._name = f"{name}, warm" if warm else name
        self._warm = warm
        self._model = model
        self._journal = journal
        self._clock = clock
        self._drafts = drafts
        self._doubts = doubts

    @property
    def name(self) -> str:
        return self._name

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """See `Model`. Raises RecordingError where the journal is damaged."""
        if not self._drafts:
            prompt = replace(prompt, draft="")
        key = call_key(self._name, prompt, sampling)
        row = self._journal.find(key)
        if row is None:
            row = call_row(self._name, await self._made(prompt, replace(sampling, doubt=None)))
            await asyncio.to_thread(self._journal.append, key, row)
        try:
            call = doubted(
                call_of(row), sampling.doubt if self._doubts else None
            )  # read back also just now: both times the same
        except (KeyError, TypeError, ValueError) as error:
            raise self._journal.damaged(key, error) from None
        for index, generation in enumerate(call.generations):
            if on_token is not None:
                for token in generation.tokens:
                    on_token(index, token)
            if on_sample is not None:
                on_sample(index, generation.text)
        self._clock.seconds += max((generation.seconds for generation in call.generations), default=0.0)
        return list(call.generations)

    async def close(self) -> None:
        if self._model is not None:
            await self._model.close()

    async def _made(self, prompt: Prompt, sampling: Sampling) -> Call:
        if self._model is None:
            raise ModelUnavailable(f"{self._name} was not asked this before, and there is no model to ask now.")
        if self._warm:
            await self._model.generate(_above(prompt), Sampling(1))
        arrived: defaultdict[int, list[float]] = defaultdict(list)
        generations = await self._model.generate(
            prompt, sampling, lambda sample, _: arrived[sample].append(time.monotonic())
        )
        # Counted back from the end, as a model may first have been loaded, which is in no generation's seconds.
        began = time.monotonic() - max((generation.seconds for generation in generations), default=0.0)
        arrivals = (tuple(max(0.0, at - began) for at in arrived[index]) for index in range(len(generations)))
        return Call(tuple(generations), tuple(arrivals))


def _above(prompt: Prompt) -> Prompt:
    """What stands above the cursor's line."""
    return Prompt(prompt.prefix[: prompt.prefix.rfind("\n") + 1], prompt.suffix, context=prompt.context)
