"""What was measured, one call after the other: it survives its process, and a run goes on where it was ended.

JSON Lines, UTF-8. The first line is the header; each further one is an object with a "key", written whole and at once,
so that a process that dies leaves at most one torn line, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rung.cascade.tune.growing import GrowingFile, growing
from rung.cascade.tune.recording import RecordingError, json_line, json_object

FORMAT, VERSION = "rung-lines", 1

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """What texts and times depend on, besides the prompts.

    small, large: name and hash of each checkpoint. engine: its settings, for the reader. versions: of what computes.
    """

    small: str
    large: str
    engine: str
    versions: str


class Journal:
    """Calls by their key."""

    def __init__(self, path: Path, file: GrowingFile, rows: dict[str, Row]) -> None:
        self._path = path
        self._file = file
        self._rows = rows

    def find(self, key: str) -> Row | None:
        return self._rows.get(key)

    def append(self, key: str, row: Row) -> None:
        """On the disk when this returns. Raises OSError."""
        self._file.append(json_line({"key": key, **row}))
        self._rows[key] = row

    def damaged(self, key: str, error: Exception) -> RecordingError:
        """For a row that is not what its key says."""
        return RecordingError(f"{self._path} is damaged: the call {key[:12]} cannot be read ({error}).")


@contextmanager
def journal(path: Path, header: Header) -> Iterator[Journal]:
    """Begin one, or go on with one of the same header after its last whole line.

    Raises RecordingError where the file is of another header or is being written by another process.
    """
    with growing(path, "writing") as file:
        if not file.content:
            file.append(json_line({"format": FORMAT, "version": VERSION, **asdict(header)}))
        yield Journal(path, file, _rows(path, file.content, header) if file.content else {})


def _rows(path: Path, content: bytes, header: Header) -> dict[str, Row]:
    first, *others = content.split(b"\n")[:-1]
    _refuse_another(path, json_object(path, 1, first), header)
    rows: dict[str, Row] = {}
    for number, line in enumerate(others, 2):
        row = json_object(path, number, line)
        key = row.pop("key", None)
        if not isinstance(key, str):
            raise RecordingError(f"{path}, line {number} has no key: the file is damaged.")
        rows[key] = row
    return rows


def _refuse_another(path: Path, there: Row, wanted: Header) -> None:
    if there.get("format") != FORMAT or there.get("version") != VERSION:
        raise RecordingError(f"{path} is no journal of this rung's `bench lines`; name another folder.")
    for name in (field.name for field in fields(Header)):
        if there.get(name) != getattr(wanted, name):
            old, new = there.get(name), getattr(wanted, name)
            raise RecordingError(f"{path} was begun with {name} = {old}, not {new}: go on so, or name another folder.")
