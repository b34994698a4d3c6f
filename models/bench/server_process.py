"""A process of llama-server, and the way to it."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from rung.models.bench.setup import Setup
from rung.models.bench.work import BenchFailed
from rung.models.free_port import free_port
from rung.models.stopping import stop

NAME = "llama-server"
_LOAD_S = 120.0
_ANSWER_S = 300.0
_POLL_S = 0.05
_STOP_S = 5.0


class ServerProcess:
    """options: beside those that decide the checkpoint, the threads and the address."""

    def __init__(self, program: Path, setup: Setup, options: Sequence[str]) -> None:
        self._program = program
        self._setup = setup
        self._options = options
        self._process: Process | None = None
        self._client: httpx.AsyncClient | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def client(self) -> httpx.AsyncClient:
        assert self._client is not None
        return self._client

    async def start(self) -> None:
        """Until the checkpoint is loaded. Raises BenchFailed."""
        setup, port = self._setup, free_port()
        arguments = (
            *("-m", str(setup.checkpoint), "--host", "127.0.0.1", "--port", str(port)),
            *("-t", str(setup.threads), "-tb", str(setup.threads), "--no-webui"),
            *self._options,
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
        await self._loaded(self._process, self._client)

    async def close(self) -> None:
        """More than once is allowed."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        process, self._process = self._process, None
        if process is not None:
            await stop(process, _STOP_S)

    async def _loaded(self, process: Process, client: httpx.AsyncClient) -> None:
        until = time.monotonic() + _LOAD_S
        while time.monotonic() < until:
            if process.returncode is not None:
                raise BenchFailed(f"{NAME} ended at its start with status {process.returncode}.")
            with suppress(httpx.TransportError):
                if (await client.get("/health")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(_POLL_S)
        raise BenchFailed(f"{NAME} was not loaded within {_LOAD_S:.0f} s.")
