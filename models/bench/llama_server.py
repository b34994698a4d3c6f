"""llama.cpp's own llama-server, over HTTP as its users have it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from rung.models.bench.server_process import NAME, ServerProcess
from rung.models.bench.setup import Setup
from rung.models.bench.work import Answer, BenchFailed, Work

_SLOTS = 10
_COUNTS = ("cache_n", "prompt_n", "predicted_n")


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one sequence; prompt includes what was cached."""

    prompt: int
    cached: int
    generated: int


class LlamaServer:
    """A slot for each sequence, all in one cache of keys and values."""

    name = NAME
    batches = True
    samples = True

    def __init__(self, program: Path, setup: Setup) -> None:
        # Its idle slots keep their prompts in the same cells.
        cells = ("-np", str(_SLOTS), "--kv-unified", "-c", str(2 * setup.context))
        self._server = ServerProcess(program, setup, cells)

    async def start(self) -> None:
        await self._server.start()

    async def ask(self, work: Work) -> Answer:
        began = time.perf_counter()
        first: float | None = None
        finals: list[object] = []
        try:
            async for event in self._events(work):
                first = first or time.perf_counter()
                if isinstance(event, dict) and event.get("stop"):
                    finals.append(event)
        except (httpx.HTTPError, ValueError) as error:
            raise BenchFailed(f"{NAME} failed ({type(error).__name__}): {error}") from None
        ended = time.perf_counter()
        counts = [counts_in(final) for final in finals]
        if len(counts) != work.sequences:
            raise BenchFailed(f"{NAME} ended {len(counts)} of {work.sequences} sequences.")
        return Answer(
            seconds=ended - began,
            first_token_s=(first or ended) - began,
            prompt=counts[0].prompt,
            cached=counts[0].cached,
            generated=sum(count.generated for count in counts),
            shortest=min(count.generated for count in counts),
        )

    async def close(self) -> None:
        await self._server.close()

    async def _events(self, work: Work) -> AsyncIterator[object]:
        body = {
            "prompt": work.prompt,
            "n_predict": work.max_tokens,
            "n_cmpl": work.sequences,
            "temperature": work.temperature,
            "samplers": ["temperature"],  # its own choice cuts rare tokens off, and solutions become shorter
            "seed": work.seed,
            "stop": list(work.stop),
            "cache_prompt": True,
            "stream": True,
        }
        async with self._server.client.stream("POST", "/completion", json=body) as response:
            if response.status_code != httpx.codes.OK:
                raise BenchFailed(f"{NAME} refused a request with status {response.status_code}.")
            async for line in response.aiter_lines():
                if line.startswith("error: "):
                    raise BenchFailed(f"{NAME} failed: {line.removeprefix('error: ')[:300]}")
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def counts_in(final: object) -> Counts:
    """final: the last event of a sequence, which counts its tokens. Raises BenchFailed."""
    timings = final.get("timings") if isinstance(final, dict) else None
    counts = [timings.get(key) if isinstance(timings, dict) else None for key in _COUNTS]
    match counts:
        case [int(cached), int(evaluated), int(generated)]:
            return Counts(cached + evaluated, cached, generated)
    raise BenchFailed(f"{NAME} ended a sequence without its counts.")
