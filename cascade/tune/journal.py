"""A recording that grows, one call after the other, and survives its process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from rung.cascade.tune.recording import (
    Entry,
    Header,
    Recording,
    RecordingError,
    entry_line,
    header_line,
    parse,
    whole_lines,
)


class Journal:
    """What is in the file, and how more gets there. recording: as it was when the journal was opened."""

    def __init__(self, file: BinaryIO, recording: Recording) -> None:
        self._file = file
        self.recording = recording

    def append(self, entry: Entry) -> None:
        """On the disk when this returns. Raises OSError."""
        self._write(entry_line(entry))

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def journal(path: Path, header: Header) -> Iterator[Journal]:
    """Begin a recording, or go on with one of the same header after its last whole line.

    Raises RecordingError where the file is of another header or is being written by another process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RecordingError(f"Another process is recording {path}; wait for its end.") from None
    try:
        with _opened(path) as file:
            content = whole_lines(file.read())
            file.truncate(len(content))
            file.seek(len(content))
            if content:
                recording = parse(path, content)
                _refuse_another(path, recording.header, header)
            else:
                recording = Recording(header, {})
            opened = Journal(file, recording)
            if not content:
                opened._write(header_line(header))
            yield opened
    finally:
        lock.release()


def _opened(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror or error}.") from None


def _refuse_another(path: Path, there: Header, wanted: Header) -> None:
    # A price does not change what is written, and `rung tune run` takes the present one.
    for name in (field.name for field in fields(Header) if field.name != "price"):
        if getattr(there, name) != getattr(wanted, name):
            old, new = getattr(there, name), getattr(wanted, name)
            what = "other problems" if name == "digest" else f"{name} = {old}, not {new}"
            raise RecordingError(f"{path} was begun with {what}; go on with that, or record into another folder.")
