"""rung's engine as its users have it: through the model, the transport and the worker process."""

from __future__ import annotations

import time

from rung.models.bench.setup import Setup
from rung.models.bench.work import Answer, BenchFailed, Work
from rung.models.llama import LlamaModel
from rung.models.protocol import ModelError, Prompt, Sampling, Token

NAME = "rung"


class OwnEngine:
    name = NAME
    batches = True
    samples = True

    def __init__(self, setup: Setup, *, exact: bool = False, drafts: bool = True) -> None:
        """exact, drafts: see `EngineSettings`."""
        self.model = LlamaModel(
            NAME, setup.checkpoint, context=setup.context, threads=setup.threads, exact=exact, drafts=drafts
        )

    async def start(self) -> None:
        try:
            await self.model.start()
        except ModelError as error:
            raise BenchFailed(str(error)) from None

    async def ask(self, work: Work) -> Answer:
        first: list[float] = []

        def on_token(_: int, __: Token) -> None:
            if not first:
                first.append(time.perf_counter())

        sampling = Sampling(work.max_tokens, work.temperature, work.sequences, work.stop, work.seed)
        began = time.perf_counter()
        try:
            generations = await self.model.generate(Prompt(work.prompt), sampling, on_token)
        except ModelError as error:
            raise BenchFailed(str(error)) from None
        ended = time.perf_counter()
        usages = [generation.usage for generation in generations]
        return Answer(
            seconds=ended - began,
            first_token_s=(first[0] if first else ended) - began,
            prompt=sum(usage.prompt for usage in usages),
            cached=sum(usage.cached for usage in usages),
            generated=sum(usage.generated for usage in usages),
            shortest=min(usage.generated for usage in usages),
        )

    async def close(self) -> None:
        await self.model.close()
