"""The two ends of a session: where its bytes come from and where they go."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sys
import threading
from typing import Protocol

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
MAX_UNSENT = 64 * 1024 * 1024  # bytes; a client that does not read is given up then
_FLUSH_S = 1.0


class Source(Protocol):
    """Bytes from the client."""

    async def read(self) -> bytes:
        """The next ones; none at the end."""
        ...


class Sink(Protocol):
    """Bytes to the client. Writing never blocks and never fails; `lost` says that they go nowhere."""

    @property
    def lost(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    async def close(self) -> None:
        """Send what is there, within a second."""
        ...


class PipeSource:
    """A file descriptor, read in a thread: it may be a pipe, a file or a console, on every platform."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(16)  # chunks that wait to be read
        # a daemon, because nothing ends a read that waits
        threading.Thread(target=self._pump, name="rung-stdin", daemon=True).start()

    async def read(self) -> bytes:
        chunk = await self._chunks.get()
        self._room.release()
        return chunk

    def _pump(self) -> None:
        chunk = b"more"
        while chunk:
            self._room.acquire()
            try:
                chunk = os.read(self._descriptor, CHUNK)
            except OSError:
                chunk = b""
            try:
                self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
            except RuntimeError:  # the loop has ended
                return


class PipeSink:
    """A file descriptor, written in a thread: a client that does not read blocks nothing but that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unsent = 0
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lost = False
        self._thread = threading.Thread(target=self._pump, name="rung-stdout", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        return self._lost

    def write(self, data: bytes) -> None:
        with self._lock:
            self._unsent += len(data)
            if self._unsent > MAX_UNSENT:
                self._lost = True
        if not self._lost:
            self._queue.put(data)

    async def close(self) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, _FLUSH_S)

    def _pump(self) -> None:
        while (data := self._queue.get()) is not None:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                self._lost = True
                return
            with self._lock:
                self._unsent -= len(data)


class SocketSource:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def read(self) -> bytes:
        try:
            return await self._reader.read(CHUNK)
        except OSError:
            return b""


class SocketSink:
    """One TCP connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    @property
    def lost(self) -> bool:
        transport = self._writer.transport
        return transport.is_closing() or transport.get_write_buffer_size() > MAX_UNSENT

    def write(self, data: bytes) -> None:
        if not self.lost:
            self._writer.write(data)

    async def close(self) -> None:
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), _FLUSH_S)
        except (OSError, TimeoutError):
            self._writer.transport.abort()


def take_standard_streams() -> tuple[int, int]:
    """Descriptors of the protocol's two pipes, which nothing else can read from or write to any more.

    What libraries and child processes print goes to stderr; what they read is empty.
    """
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(sink, os.O_BINARY)
    return source, sink
