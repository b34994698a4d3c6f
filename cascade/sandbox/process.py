"""A sandbox as a process: started, spoken to, and dead at the end of its block, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from rung.cascade.sandbox.bubblewrap import SandboxUnavailable

_START_S = 10.0
_END_S = 10.0
_KEPT = 4096  # bytes of what bubblewrap says

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Process:
    """bubblewrap, and a handle on process 1 within."""

    _bwrap: asyncio.subprocess.Process
    _first: int

    def send(self, data: bytes) -> None:
        """Does not wait: the data is held until the harness takes it."""
        assert self._bwrap.stdin
        self._bwrap.stdin.write(data)

    async def read_some(self, most: int) -> bytes:
        """What there is, at least a byte; nothing at the end."""
        assert self._bwrap.stdout
        return await self._bwrap.stdout.read(most)

    async def complaint(self) -> str:
        """The last line that bubblewrap or Python wrote."""
        return await _complaint(self._bwrap)

    async def end(self) -> None:
        """Kill process 1: bubblewrap is told of its death only when all others of its namespace are dead.

        Raises SandboxUnavailable where the kernel does not let go of it.
        """
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        os.close(self._first)
        await _ended(self._bwrap)


@contextlib.asynccontextmanager
async def started(command: Callable[[int], list[str]]) -> AsyncIterator[Process]:
    """`command` is given the descriptor for bubblewrap's --info-fd. Raises SandboxUnavailable."""
    starting = asyncio.ensure_future(_start(command))
    try:
        process = await _to_its_end(starting)
    except asyncio.CancelledError:
        if not starting.cancelled() and starting.exception() is None:
            await _to_its_end(asyncio.ensure_future(starting.result().end()))
        raise
    try:
        yield process
    finally:
        await _to_its_end(asyncio.ensure_future(process.end()))


async def _start(command: Callable[[int], list[str]]) -> Process:
    info, theirs = os.pipe()
    try:
        try:
            bwrap = await _exec(command(theirs), theirs)
        finally:
            os.close(theirs)
        try:
            told = await asyncio.wait_for(_read_object(info), _START_S)
            return Process(bwrap, os.pidfd_open(json.loads(told)["child-pid"]))
        except (TimeoutError, ValueError, LookupError, OSError):
            with contextlib.suppress(ProcessLookupError):
                bwrap.kill()
            reason = await _complaint(bwrap)
            await _ended(bwrap)
            raise SandboxUnavailable(f"The sandbox does not start: {reason}.") from None
    finally:
        os.close(info)


async def _exec(arguments: list[str], fd: int) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *arguments, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=(fd,), env={}
        )
    except OSError as error:
        raise SandboxUnavailable(f"The sandbox does not start: {error}.") from None


async def _read_object(fd: int) -> bytes:
    """Until the end of a JSON object, or of the file."""
    loop = asyncio.get_running_loop()
    os.set_blocking(fd, False)
    data = b""
    while b"}" not in data:
        readable = asyncio.Event()
        loop.add_reader(fd, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(fd)
        part = os.read(fd, 4096)
        if not part:
            break
        data += part
    return data


async def _complaint(bwrap: asyncio.subprocess.Process) -> str:
    assert bwrap.stderr
    text = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            text = await bwrap.stderr.read(_KEPT)
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300].rstrip(".") if lines else "it ended without a word"


async def _ended(bwrap: asyncio.subprocess.Process) -> None:
    assert bwrap.stdin
    assert bwrap.stdout
    assert bwrap.stderr
    bwrap.stdin.close()
    try:
        async with asyncio.timeout(_END_S):
            await asyncio.gather(_drained(bwrap.stdout), _drained(bwrap.stderr), bwrap.wait())
    except TimeoutError:
        raise SandboxUnavailable(
            "A sandbox was killed and does not end; see whether the machine is out of memory."
        ) from None


async def _drained(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


async def _to_its_end(task: asyncio.Future[_T]) -> _T:
    """Waits also when cancelled, and is cancelled then."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        task.exception()  # the cancellation is more urgent
        raise cancelled
    return task.result()
