"""Where the data sets of the benchmarks lie, and how they are read."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

VARIABLE = "RUNG_DATA"
T = TypeVar("T")

_DEFAULT = Path("../shared/data")


class DataMissing(Exception):
    """A data set is not there or cannot be read; the message says where it is to be had."""


def folder(configured: Path | None = None) -> Path:
    """Named by RUNG_DATA, else the configured one, else `../shared/data` as seen from the working directory."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else configured or _DEFAULT


def public_rows(at: Path, name: str, source: str) -> Iterator[dict[str, Any]]:
    """The objects of a public file in the folder `at`. source: a public place of the data. Raises DataMissing."""
    path = at / name
    if not path.exists():
        raise DataMissing(f"{path} is not there: name its folder in {VARIABLE}; the data is public at {source}.")
    try:
        yield from rows(path)
    except DataMissing as error:
        raise DataMissing(f"{error} Fetch it anew from {source}.") from None


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, gzipped where its name ends in .gz. Raises DataMissing, naming the line."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _object(path, number, line)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataMissing(f"{path} cannot be read ({error}).") from None


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataMissing(f"{path}, line {number} is not JSON ({error}).") from None
    if not isinstance(row, dict):
        raise DataMissing(f"{path}, line {number} is no object.")
    return row


def text(row: dict[str, Any], key: str, where: str) -> str:
    """A text of a row. where: names the row for the reader. Raises DataMissing."""
    value = row.get(key)
    if not isinstance(value, str):
        raise DataMissing(f"{where} has no text {key!r}: it is another data set, or damaged.")
    return value


def spread(items: Sequence[T], count: int) -> list[T]:
    """`count` of them, evenly spaced; all where there are fewer."""
    return [items[at * len(items) // count] for at in range(min(count, len(items)))]
