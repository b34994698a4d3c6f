"""A real OpenAI-compatible server with a local checkpoint, on loopback: the large rung of demo and benchmarks."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

import httpx

from rung.models.free_port import free_port
from rung.models.price import Price
from rung.models.stopping import stop

_START_S = 120.0
_STOP_S = 5.0
_POLL_S = 0.2
_ANSWER_S = 5.0
# An example: what a small hosted model costs. $ per million tokens.
EXAMPLE_PRICE = Price(0.10, 0.40)
# llama-cpp-python's server penalizes repetition unless told otherwise; code repeats itself.
EXTRA: dict[str, str | int | float | bool | None] = {"repeat_penalty": 1.0}


class LargeServer(StrEnum):
    """Which server a large rung is asked through."""

    LLAMA = "llama-cpp-python"
    RUNG = "rung"


class ServerFailed(Exception):
    """It did not start; the message says why."""


@asynccontextmanager
async def large_server(checkpoint: Path, model: str, *, context: int, threads: int) -> AsyncIterator[str]:
    """llama-cpp-python's own server, which rung did not write; yields its URL. Raises ServerFailed."""
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("fastapi") is None:
        raise ServerFailed("llama-cpp-python's server is not installed; run `pip install 'rung[demo]'`.")
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    arguments = (
        *("llama_cpp.server", "--model", str(checkpoint), "--model_alias", model),
        *("--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(context)),
        *("--n_threads", str(threads), "--n_threads_batch", str(threads)),
        *("--logits_all", "false"),  # else it keeps a row for each token of the prompt: gigabytes, and slow
    )

    async with _running(arguments, model, f"{url}/models"):
        yield url


@asynccontextmanager
async def own_server(checkpoint: Path, model: str, *, context: int, threads: int) -> AsyncIterator[str]:
    """`rung serve-model` without a prefix cache, as `large_server`. It knows no fields but those of the protocol."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    arguments = (
        *("rung.lsp.cli", "serve-model", str(checkpoint), "--name", model),
        *("--host", "127.0.0.1", "--port", str(port), "--context", str(context)),
        *("--device", "cpu", "--threads", str(threads), "--keep-tokens", "0"),
    )

    async with _running(arguments, model, f"{address}/health"):
        yield f"{address}/v1"


@asynccontextmanager
async def _running(arguments: Sequence[str], model: str, ready: str) -> AsyncIterator[None]:
    """ready: the URL that is answered with 200 once the model is loaded."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rung.lsp.with_parent", *arguments),
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )
    last_words: deque[str] = deque(maxlen=3)
    listening = asyncio.create_task(_overhear(process, last_words))
    try:
        await _answers(process, ready, model, last_words)
        yield
    finally:
        await stop(process, _STOP_S)
        await listening


async def _answers(process: Process, ready: str, model: str, last_words: deque[str]) -> None:
    until = time.monotonic() + _START_S
    async with httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False) as client:  # no proxy for loopback
        while time.monotonic() < until:
            if process.returncode is not None:
                raise ServerFailed(f"The server for {model} ended at its start: {' '.join(last_words)}")
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(ready)).status_code == 200:
                    return
            await asyncio.sleep(_POLL_S)
    raise ServerFailed(f"The server for {model} did not answer within {_START_S:.0f} s.")


async def _overhear(process: Process, last_words: deque[str]) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(65536):
        last_words.extend(line for line in chunk.decode("utf-8", "replace").splitlines() if line.strip())
