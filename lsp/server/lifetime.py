"""When the editor is gone without a word."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

_POLL_S = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def wait_for_death(pid: int) -> None:
    """Returns when there is no process `pid`."""
    if hasattr(os, "pidfd_open"):
        try:
            await _wait_for_pidfd(os.pidfd_open(pid))
        except ProcessLookupError:
            return
        except OSError:  # an old kernel, or one that forbids it
            pass
        else:
            return
    while is_alive(pid):  # noqa: ASYNC110  the system tells nobody
        await asyncio.sleep(_POLL_S)


def is_alive(pid: int) -> bool:
    """Whether there is a process `pid`."""
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def on_signals(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    """Call `end` in the loop at SIGTERM and SIGINT."""
    for number in _SIGNALS:
        try:
            loop.add_signal_handler(number, end)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))


async def _wait_for_pidfd(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    dead = loop.create_future()

    def end() -> None:
        if not dead.done():
            dead.set_result(None)

    loop.add_reader(descriptor, end)
    try:
        await dead
    finally:
        loop.remove_reader(descriptor)
        with suppress(OSError):
            os.close(descriptor)


def _is_alive_on_windows(pid: int) -> bool:
    """os.kill would end it there."""
    if sys.platform != "win32":
        return True
    import ctypes

    synchronize, timed_out = 0x00100000, 0x102
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        access_denied = 5
        return ctypes.get_last_error() == access_denied
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == timed_out)
    finally:
        kernel.CloseHandle(handle)
