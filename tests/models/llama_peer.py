"""A server process that shares a worker: what it is told on standard input it does, and says so on standard output.

Run as a program: `llama_peer.py CHECKPOINT`. Lines in: begin (a long generation, told of when it has), wait (one
that is not), ask (a short one). Lines out: a JSON object each; the first has the worker's pid.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rung.models.llama import LlamaModel, Sharing
from rung.models.protocol import ModelError, Prompt, Sampling

PROMPT = Prompt('def add(a, b):\n    """Return the sum of a and b."""\n    ')
LONG = Sampling(1500, temperature=1.5)
CONTEXT = 2048
THREADS = 1  # several workers may run at once, and other programs
LIMIT_S = 30.0


def shared(checkpoint: Path, **settings: Any) -> LlamaModel:
    """All of one test's models have the same settings, so the same worker; it ends soon."""
    sharing = Sharing(linger_s=settings.pop("linger_s", 0.4), rest_s=settings.pop("rest_s", 60.0))
    return LlamaModel("small", checkpoint, context=CONTEXT, threads=THREADS, sharing=sharing, **settings)


class Peer:
    """One such process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def heard(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), LIMIT_S)
        message: dict[str, Any] = json.loads(line)
        return message

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def peers(checkpoint: Path, count: int) -> AsyncIterator[list[Peer]]:
    """Started at the same moment."""
    pipe = subprocess.PIPE
    program = (sys.executable, __file__, str(checkpoint))
    started = await asyncio.gather(
        *(asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe) for _ in range(count))
    )
    try:
        yield [Peer(process) for process in started]
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        for process in started:
            await asyncio.wait_for(process.wait(), LIMIT_S)


async def _serve(checkpoint: Path) -> None:
    model = shared(checkpoint, on_crash=lambda sentence: _say(crash=sentence))
    running: set[asyncio.Task[None]] = set()
    try:
        await model.start()
        _say(pid=model.worker_pid)
        while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
            task = asyncio.create_task(_generate(model, word))
            running.add(task)
            task.add_done_callback(running.discard)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await model.close()


async def _generate(model: LlamaModel, word: str) -> None:
    begun = False

    def on_token(_: int, __: object) -> None:
        nonlocal begun
        if word == "begin" and not begun:
            begun = True
            _say(begun=True)

    try:
        (generation,) = await model.generate(PROMPT, Sampling(4) if word == "ask" else LONG, on_token)
    except ModelError as error:
        _say(error=str(error), kind=type(error).__name__)
    else:
        _say(done=generation.usage.generated, pid=model.worker_pid)


def _say(**message: object) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
