"""llama.cpp's own llama-bench: its rates, by its own clock."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from rung.models.bench.setup import Setup
from rung.models.bench.work import BenchFailed

NAME = "llama-bench"
_RUN_S = 300.0


class LlamaBench:
    """A process for each rate: it loads the checkpoint, warms up, measures once and ends."""

    def __init__(self, program: Path, setup: Setup) -> None:
        self._program = program
        self._setup = setup

    async def evaluation(self, tokens: int) -> float:
        """Tokens per second of a prompt of random tokens. Raises BenchFailed."""
        return await self._rate("-p", str(tokens), "-n", "0")

    async def decoding(self, tokens: int, depth: int) -> float:
        """Tokens per second of one sequence after `depth` tokens, the next one always random. Raises BenchFailed."""
        return await self._rate("-p", "0", "-n", str(tokens), "-d", str(depth))

    async def _rate(self, *arguments: str) -> float:
        process = await self._start("-r", "1", "-o", "json", *arguments)
        try:
            output, errors = await asyncio.wait_for(process.communicate(), _RUN_S)
        except TimeoutError:
            raise BenchFailed(f"{NAME} did not end within {_RUN_S:.0f} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            words = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise BenchFailed(f"{NAME} ended with status {process.returncode}: {' '.join(words)}")
        return rate_in(output)

    async def _start(self, *arguments: str) -> Process:
        setup = self._setup
        common = ("-m", str(setup.checkpoint), "-t", str(setup.threads))
        try:
            return await asyncio.create_subprocess_exec(
                self._program, *common, *arguments, stdout=PIPE, stderr=PIPE, env=setup.environment()
            )
        except OSError as error:
            raise BenchFailed(f"{self._program} cannot be started: {error.strerror}.") from None


def rate_in(output: bytes) -> float:
    """Tokens per second of the one test in llama-bench's JSON. Raises BenchFailed."""
    try:
        tests = json.loads(output)
    except ValueError:
        tests = None
    if isinstance(tests, list) and len(tests) == 1 and isinstance(tests[0], dict):
        rate = tests[0].get("avg_ts")
        if isinstance(rate, int | float) and not isinstance(rate, bool) and rate > 0:
            return float(rate)
    raise BenchFailed(f"{NAME} said something that is not one test's result: {output[:200]!r}")
