"""A real OpenAI-compatible server with a local checkpoint, on loopback: the large rung of demo and benchmark."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rung.models.free_port import free_port
from rung.models.http import HttpModel
from rung.models.price import Price
from rung.models.stopping import stop

_START_S = 120.0
_STOP_S = 5.0
_POLL_S = 0.2
# An example: what a small hosted model costs. $ per million tokens.
EXAMPLE_PRICE = Price(0.10, 0.40)
# llama-cpp-python's server penalizes repetition unless told otherwise; code repeats itself.
EXTRA: dict[str, str | int | float | bool | None] = {"repeat_penalty": 1.0}


class ServerFailed(Exception):
    """It did not start; the message says why."""


@asynccontextmanager
async def large_server(checkpoint: Path, model: str, *, context: int, threads: int) -> AsyncIterator[str]:
    """llama-cpp-python's own server, which rung did not write; yields its URL. Raises ServerFailed."""
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("fastapi") is None:
        raise ServerFailed("llama-cpp-python's server is not installed; run `pip install 'rung[demo]'`.")
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rung.lsp.with_parent", "llama_cpp.server"),
        *("--model", str(checkpoint), "--model_alias", model),
        *("--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(context)),
        *("--n_threads", str(threads), "--n_threads_batch", str(threads)),
        *("--logits_all", "false"),  # else it keeps a row for each token of the prompt: gigabytes, and slow
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )
    last_words: deque[str] = deque(maxlen=3)
    listening = asyncio.create_task(_overhear(process, last_words))
    try:
        await _answers(process, url, model, last_words)
        yield url
    finally:
        await stop(process, _STOP_S)
        await listening


async def _answers(process: Process, url: str, model: str, last_words: deque[str]) -> None:
    client = HttpModel("large", url, model)
    until = time.monotonic() + _START_S
    try:
        while time.monotonic() < until:
            if process.returncode is not None:
                raise ServerFailed(f"The server for {model} ended at its start: {' '.join(last_words)}")
            if (await client.check()).answers:
                return
            await asyncio.sleep(_POLL_S)
    finally:
        await client.close()
    raise ServerFailed(f"The server for {model} did not answer within {_START_S:.0f} s.")


async def _overhear(process: Process, last_words: deque[str]) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(65536):
        last_words.extend(line for line in chunk.decode("utf-8", "replace").splitlines() if line.strip())
