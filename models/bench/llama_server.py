"""llama.cpp's own llama-server, over HTTP as its users have it."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from rung.models.bench.setup import Setup
from rung.models.bench.work import Answer, BenchFailed, Work
from rung.models.free_port import free_port
from rung.models.stopping import stop

NAME = "llama-server"
_SLOTS = 10
_COUNTS = ("cache_n", "prompt_n", "predicted_n")
_LOAD_S = 120.0
_ANSWER_S = 300.0
_POLL_S = 0.05
_STOP_S = 5.0


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
        self._program = program
        self._setup = setup
        self._process: Process | None = None
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        setup, port = self._setup, free_port()
        arguments = (
            *("-m", str(setup.checkpoint), "--host", "127.0.0.1", "--port", str(port)),
            *("-t", str(setup.threads), "-tb", str(setup.threads), "-np", str(_SLOTS), "--kv-unified"),
            # Its idle slots keep their prompts in the same cells.
            *("-c", str(2 * setup.context), "--no-webui"),
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                self._program, *arguments, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=setup.environment()
            )
        except OSError as error:
            raise BenchFailed(f"{self._program} cannot be started: {error.strerror}.") from None
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            timeout=_ANSWER_S,
            trust_env=False,
            # A connection each: it closes idle ones, now and then just when the next request comes.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        await self._loaded()

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
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        process, self._process = self._process, None
        if process is not None:
            await stop(process, _STOP_S)

    async def _loaded(self) -> None:
        assert self._client is not None
        assert self._process is not None
        until = time.monotonic() + _LOAD_S
        while time.monotonic() < until:
            if self._process.returncode is not None:
                raise BenchFailed(f"{NAME} ended at its start with status {self._process.returncode}.")
            with suppress(httpx.TransportError):
                if (await self._client.get("/health")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(_POLL_S)
        raise BenchFailed(f"{NAME} was not loaded within {_LOAD_S:.0f} s.")

    async def _events(self, work: Work) -> AsyncIterator[object]:
        assert self._client is not None
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
        async with self._client.stream("POST", "/completion", json=body) as response:
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
