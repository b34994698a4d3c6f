"""A file of lines that grows and survives its process, which only one process writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from rung.cascade.tune.recording import RecordingError, whole_lines


class GrowingFile:
    """content: its whole lines when it was opened."""

    def __init__(self, file: BinaryIO, content: bytes) -> None:
        self._file = file
        self.content = content

    def append(self, line: bytes) -> None:
        """On the disk when this returns. Raises OSError."""
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def growing(path: Path, doing: str) -> Iterator[GrowingFile]:
    """Opened, or made; a process that died may have left half a line at the end, which is cut off.

    doing: what another process does with it, such as "writing". Raises RecordingError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RecordingError(f"Another process is {doing} {path}; wait for its end.") from None
    try:
        with _opened(path) as file:
            content = whole_lines(file.read())
            file.truncate(len(content))
            file.seek(len(content))
            yield GrowingFile(file, content)
    finally:
        lock.release()


def _opened(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror or error}.") from None
