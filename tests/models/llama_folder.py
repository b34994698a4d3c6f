"""A folder of sockets of a test's own, and the worker processes that serve in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rung.models.llama import wire

LIMIT_S = 30.0


@asynccontextmanager
async def own_folder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """In it no worker is left at the end: each ends by itself, or the test fails."""
    around = Path(tempfile.mkdtemp(prefix="rung-test-"))  # pytest's own are too long for a socket
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(around))
    try:
        yield around / "rung"
        await until(lambda: workers(around) == [])
    finally:
        for pid in workers(around):
            os.kill(pid, 9)
        shutil.rmtree(around)


def workers(folder: Path) -> list[int]:
    """The processes, zombies not among them, whose order names this folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:  # just ended
                continue
            if b"rung.models.llama.worker" in words and str(folder).encode() in words:
                found.append(int(process.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  other processes have no event to wait for
            await asyncio.sleep(0.01)


class Raw:
    """A connection that says what no server would. Blocks."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT_S)
        self.socket.connect(str(path))
        self._lines = self.socket.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self.socket.close()

    def hear(self) -> dict[str, object]:
        return wire.unpack(self._lines.readline())

    def hears_the_end(self) -> bool:
        try:
            return self._lines.read() == b""
        except ConnectionResetError:  # it had not read all that was sent
            return True
