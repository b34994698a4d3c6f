"""The beginning of a file that is being fetched, kept from one run to the next."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pydantic import TypeAdapter, ValidationError

from rung.models.catalogue.files import disk_errors, keep, move, write_whole


@dataclass(frozen=True, slots=True)
class Expected:
    """The file that a part will be: bytes and hexadecimal SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _State:
    sha256: str
    etag: str = ""


_STATE = TypeAdapter(_State)


class Part:
    """`NAME.part` and beside it, in `NAME.part.json`, of which file it is the beginning.

    Parts are told apart by the SHA-256 of the whole file, so one source goes on where another stopped.
    Raises DiskFull and StoreError.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.path = folder / f"{name}.part"
        self.wheels = folder / f"{name}.wheels"
        self._state_path = folder / f"{name}.part.json"

    @property
    def length(self) -> int:
        """Bytes that are there."""
        with disk_errors(self.folder):
            try:
                return self.path.stat().st_size
            except FileNotFoundError:
                return 0

    @property
    def etag(self) -> str:
        """What the server called the file when it sent these bytes; "" where it did not say."""
        state = self._state()
        return state.etag if state else ""

    @property
    def claimed(self) -> str:
        """The SHA-256 of the whole file; "" where nothing was begun."""
        state = self._state()
        return state.sha256 if state else ""

    def claim(self, expected: Expected) -> None:
        """Keep what is there if it belongs to this file, else begin anew."""
        state = self._state()
        if state is None or state.sha256 != expected.sha256 or self.length > expected.size:
            self.discard()
            self._write_state(_State(expected.sha256))

    def save_etag(self, etag: str) -> None:
        """Remember the server's name of the file. Call after `claim`."""
        state = self._state()
        if state is not None and state.etag != etag:
            self._write_state(replace(state, etag=etag))

    def cut(self, length: int) -> None:
        """Keep the first `length` bytes at most."""
        if length < self.length:
            with disk_errors(self.folder):
                os.truncate(self.path, length)

    def append(self, expected: Expected) -> Appending:
        """A writer for the bytes that follow."""
        return Appending(self, expected)

    def become(self, target: Path) -> None:
        """Make the whole, checked file last under its own name."""
        with disk_errors(self.folder):
            keep(self.path)
            move(self.path, target)

    def discard(self) -> None:
        """Remove all of it."""
        with disk_errors(self.folder):
            self.path.unlink(missing_ok=True)
            self._state_path.unlink(missing_ok=True)
            if self.wheels.exists():
                shutil.rmtree(self.wheels)

    def _state(self) -> _State | None:
        with disk_errors(self.folder):
            try:
                return _STATE.validate_json(self._state_path.read_bytes())
            except (FileNotFoundError, ValidationError):
                return None

    def _write_state(self, state: _State) -> None:
        with disk_errors(self.folder):
            write_whole(self._state_path, _STATE.dump_json(state))


class Appending:
    """Writes at the end of a part; a failed write ends in a sentence with the bytes still needed."""

    def __init__(self, part: Part, expected: Expected) -> None:
        self._part = part
        self._expected = expected
        self._file: BinaryIO

    def __enter__(self) -> Self:
        with disk_errors(self._part.folder):
            self._file = self._part.path.open("ab", buffering=0)
            self.length = os.fstat(self._file.fileno()).st_size
        return self

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            with disk_errors(self._part.folder, self._expected.size - self.length):
                written = self._file.write(rest)
            self.length += written
            rest = rest[written:]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
