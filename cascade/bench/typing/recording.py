"""Recordings of typing as files: one line a key, as CSV or as JSON."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.keys import KeyKind, kind_of
from rung.cascade.bench.typing.pauses import Recorded

_MOST_BYTES = 100_000_000
# Of one person: with fewer the same pauses would come again and again.
_LEAST_WITHIN = 200
_LEAST_OF_A_KIND = 20


def read_recording(path: Path) -> list[Recorded]:
    """Everyone in a file of whom enough is recorded. Raises DataMissing.

    CSV with the columns `pause_s` (seconds since the key before), `key` (the character) and, where several people
    typed, `typist`; or JSON Lines with these names. A key that is no single character ends the word and is left out.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataMissing(f"{path} is larger than {_MOST_BYTES / 1e6:.0f} MB: cut the recording.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataMissing(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataMissing(f"{path} is no text: a recording is CSV or JSON Lines in UTF-8.") from None
    rows = _json_rows(path, text) if text.lstrip().startswith("{") else csv.DictReader(text.splitlines())
    try:
        people = by_person(_keys(rows))
    except (csv.Error, json.JSONDecodeError) as error:
        raise DataMissing(f"{path} is no recording: {error}.") from None
    if not people:
        raise DataMissing(
            f"{path} holds too few keys: {_LEAST_WITHIN} within words of one person, and the columns pause_s and key."
        )
    return people


def by_person(keys: Iterable[tuple[str, str, str, float]]) -> list[Recorded]:
    """keys: (person, what they had written in this line, key, seconds since the key before), in their order."""
    tapes: dict[str, dict[KeyKind, list[float]]] = {}
    for person, before, key, pause in keys:
        kind = kind_of(before, key)
        if kind is not KeyKind.LINE:
            tapes.setdefault(person, {}).setdefault(kind, []).append(pause)
    return [Recorded(person, tape) for person, tape in sorted(tapes.items()) if _is_enough(tape)]


def _is_enough(tape: Mapping[KeyKind, list[float]]) -> bool:
    others = (KeyKind.WORD, KeyKind.BLANK, KeyKind.SIGN)
    return len(tape.get(KeyKind.WITHIN, ())) >= _LEAST_WITHIN and all(
        len(tape.get(kind, ())) >= _LEAST_OF_A_KIND for kind in others
    )


def _keys(rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, str, str, float]]:
    written: dict[str, str] = {}
    for row in rows:
        person, key = str(row.get("typist") or ""), str(row.get("key") or "")
        pause = _seconds(row.get("pause_s"))
        if len(key) != 1 or key in "\r\n":
            written[person] = ""
        else:
            before = written.get(person, "")
            if pause is not None:
                yield person, before, key, pause
            written[person] = (before + key)[-8:]


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _json_rows(path: Path, text: str) -> Iterator[Mapping[str, object]]:
    for line in text.splitlines():
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise DataMissing(f"{path} is no recording: a line of it is no object.")
            yield row
