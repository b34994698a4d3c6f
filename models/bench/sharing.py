"""What one worker for several servers saves, and what the way to it costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rung.models.bench.resident import NOTHING, Resident, resident
from rung.models.bench.work import BenchFailed
from rung.models.llama import LlamaModel, Sharing
from rung.models.protocol import Prompt, Sampling

SERVERS = 3
_PROMPT = Prompt("".join(f"value_{at} = compute(value_{at // 2}, {at})\n" for at in range(60)) + "total = ")
_SHORT = Sampling(16)
_STREAMED = Sampling(400, temperature=0.8, n=10)
_LEAVE_S = 20.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds. memory: of all workers of `SERVERS` servers, by "shared" and "private".

    starting, running: to a usable connection, without and with a worker. quiet, busy: of a small message to the worker
    and back, while the engine has nothing to do and while it streams ten samples to another server. overhead: of a
    request of 16 tokens, less what the engine counted.
    """

    memory: dict[str, Resident]
    starting: list[float]
    running: list[float]
    quiet: list[float]
    busy: list[float]
    overhead: list[float]


async def measure_sharing(
    checkpoint: Path, context: int, threads: int, rounds: int, on_step: Callable[[str], None]
) -> Measured:
    """rounds: of starts; messages and requests are timed 20 times as often.

    Raises ModelError, BenchFailed and ContestantMissing.
    """

    def model(sharing: Sharing | None) -> LlamaModel:
        return LlamaModel("local", checkpoint, context=context, threads=threads, sharing=sharing)

    with _own_folder():
        memory = {}
        for name, sharing in (("private", None), ("shared", Sharing(linger_s=0))):
            on_step(f"memory of {SERVERS} servers, {name}")
            async with _models([model(sharing) for _ in range(SERVERS)]) as models:
                memory[name] = await _memory(models, checkpoint, expected=1 if sharing else SERVERS)
        starting, running = [], []
        for at in range(rounds):
            on_step(f"starts, round {at + 1} of {rounds}")
            async with _models([model(Sharing(linger_s=0)), model(Sharing())]) as (first, second):
                starting.append(await _timed(first.start))
                running.append(await _timed(second.start))
        on_step("messages and requests")
        async with _models([model(Sharing(linger_s=0)), model(Sharing())]) as (one, other):
            await _overhead(one)  # it starts the worker
            overhead = [await _overhead(one) for _ in range(rounds * 20)]
            quiet = [await _timed(one.status) for _ in range(rounds * 20)]
            streamed = asyncio.create_task(other.generate(_PROMPT, _STREAMED, lambda *_: None))
            busy: list[float] = []
            while not streamed.done() and len(busy) < rounds * 20:
                busy.append(await _timed(one.status))
                await asyncio.sleep(0.002)  # not in step with the engine
            streamed.cancel()
            await asyncio.gather(streamed, return_exceptions=True)
        return Measured(memory, starting, running, quiet, busy, overhead)


def percentile(values: list[float], percent: int) -> float:
    """Of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@contextmanager
def _own_folder() -> Iterator[None]:
    """No worker that the user's editors run is measured, or disturbed."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory(prefix="rung-", ignore_cleanup_errors=True) as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["XDG_RUNTIME_DIR"]
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before


@asynccontextmanager
async def _models(models: list[LlamaModel]) -> AsyncIterator[list[LlamaModel]]:
    """Closed at the end, and their workers gone: they must not be there in what is measured next."""
    pids: set[int | None] = set()
    try:
        yield models
        pids = {model.worker_pid for model in models}
    finally:
        for model in models:
            await model.close()
    async with asyncio.timeout(_LEAVE_S):
        while any(pid is not None and _is_running(pid) for pid in pids):  # noqa: ASYNC110  not our child alone
            await asyncio.sleep(0.02)


async def _memory(models: list[LlamaModel], checkpoint: Path, expected: int) -> Resident:
    """expected: workers."""
    for model in models:
        await model.generate(_PROMPT, _SHORT)
    pids = {model.worker_pid for model in models} - {None}
    if len(pids) != expected:
        raise BenchFailed(f"{len(pids)} workers ran, not {expected}: rung's files changed, or no socket can be made.")
    found = NOTHING
    for pid in pids:
        found += await asyncio.to_thread(resident, pid or 0, checkpoint)
    return found


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _overhead(model: LlamaModel) -> float:
    began = time.perf_counter()
    (generation,) = await model.generate(_PROMPT, _SHORT)
    return time.perf_counter() - began - generation.seconds


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
