"""Where the data sets of the benchmarks lie."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

VARIABLE = "RUNG_DATA"
T = TypeVar("T")

_DEFAULT = Path("../shared/data")


class DataMissing(Exception):
    """A data set is not there or cannot be read; the message says where it is to be had."""


def folder() -> Path:
    """Named by RUNG_DATA, else `../shared/data` as seen from the working directory."""
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _DEFAULT


def rows(name: str, source: str) -> Iterator[dict[str, Any]]:
    """The objects of a gzipped JSON Lines file. source: a public place of the data. Raises DataMissing."""
    path = folder() / name
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("a line is no object")
                yield row
    except FileNotFoundError:
        raise DataMissing(
            f"{path} is not there: name its folder in {VARIABLE}; the data is public at {source}."
        ) from None
    except (OSError, EOFError, ValueError) as error:
        raise DataMissing(f"{path} cannot be read ({error}); fetch it anew from {source}.") from None


def spread(items: Sequence[T], count: int) -> list[T]:
    """`count` of them, evenly spaced; all where there are fewer."""
    return [items[at * len(items) // count] for at in range(min(count, len(items)))]
