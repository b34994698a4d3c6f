"""A recording that grows, one call after the other, and survives its process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from rung.cascade.tune.growing import GrowingFile, growing
from rung.cascade.tune.recording import Entry, Header, Recording, RecordingError, entry_line, header_line, parse


class Journal:
    """What is in the file, and how more gets there. recording: as it was when the journal was opened."""

    def __init__(self, file: GrowingFile, recording: Recording) -> None:
        self._file = file
        self.recording = recording

    def append(self, entry: Entry) -> None:
        """On the disk when this returns. Raises OSError."""
        self._file.append(entry_line(entry))


@contextmanager
def journal(path: Path, header: Header) -> Iterator[Journal]:
    """Begin a recording, or go on with one of the same header after its last whole line.

    Raises RecordingError where the file is of another header or is being written by another process.
    """
    with growing(path, "recording") as file:
        if file.content:
            recording = parse(path, file.content)
            _refuse_another(path, recording.header, header)
        else:
            recording = Recording(header, {})
            file.append(header_line(header))
        yield Journal(file, recording)


def _refuse_another(path: Path, there: Header, wanted: Header) -> None:
    # A price does not change what is written, and `rung tune run` takes the present one.
    for name in (field.name for field in fields(Header) if field.name != "price"):
        if getattr(there, name) != getattr(wanted, name):
            old, new = getattr(there, name), getattr(wanted, name)
            what = "other problems" if name == "digest" else f"{name} = {old}, not {new}"
            raise RecordingError(f"{path} was begun with {what}; go on with that, or record into another folder.")
