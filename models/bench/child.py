"""A contestant in a Python process of its own: one JSON object a line, work in and answers out."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rung.models.bench.setup import Setup
from rung.models.bench.work import Answer, BenchFailed, Work

_ANSWER_S = 300.0
_CLOSE_S = 5.0


class ChildContestant:
    """module: run as `python -m MODULE CHECKPOINT CONTEXT THREADS`; see `child_loop`."""

    def __init__(self, name: str, module: str, setup: Setup, *, batches: bool, samples: bool) -> None:
        self.name = name
        self.batches = batches
        self.samples = samples
        self._module = module
        self._setup = setup
        self._process: Process | None = None

    async def start(self) -> None:
        setup = self._setup
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", self._module),
            *(str(setup.checkpoint), str(setup.context), str(setup.threads)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=setup.environment(),
        )
        await self._read()

    async def ask(self, work: Work) -> Answer:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(ConnectionError):  # its end is told by the read
            self._process.stdin.write(json.dumps(asdict(work)).encode() + b"\n")
            await self._process.stdin.drain()
        return Answer(**await self._read())

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _ANSWER_S)
        except TimeoutError:
            raise BenchFailed(f"{self.name} did not answer within {_ANSWER_S:.0f} s.") from None
        if not line:
            raise BenchFailed(f"{self.name} ended with status {await self._process.wait()}.")
        fields: dict[str, Any] = json.loads(line)
        if "failed" in fields:
            raise BenchFailed(f"{self.name} failed: {fields['failed']}.")
        return fields
