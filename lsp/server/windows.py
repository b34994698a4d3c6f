"""The text around the cursor that a completer is given."""

from __future__ import annotations

from collections.abc import Iterable

from rung.lsp.server.documents import Document, Place

WINDOW = 64 * 1024  # bytes of UTF-8 on each side
_BOM = "\ufeff"


def text_around(document: Document, place: Place) -> tuple[str, str]:
    """At most WINDOW bytes before and after `place`, in whole lines but for the cursor's own.

    Line ends are "\\n" whatever the document has; half surrogates, which cannot be encoded, are U+FFFD.
    """
    lines = document.lines
    line = lines[place.line]
    # a character is at least one byte
    before = line[max(0, place.column - WINDOW) : place.column]
    after = line[place.column : place.column + WINDOW]
    above = _fitting((lines[i] for i in range(place.line - 1, -1, -1)), WINDOW - _size(before))
    below = _fitting((lines[i] for i in range(place.line + 1, len(lines))), WINDOW - _size(after))
    prefix = _clean("".join([*reversed(above), before]))
    suffix = _clean("".join([after, *below]))
    if len(above) == place.line:
        prefix = prefix.removeprefix(_BOM)
    return _last_bytes(prefix), _first_bytes(suffix)


def _fitting(lines: Iterable[str], room: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        room -= _size(line)
        if room < 0:
            break
        taken.append(line)
    return taken


def _size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _clean(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _last_bytes(text: str) -> str:
    """For a line longer than the window: its last bytes, in whole characters."""
    return text if _size(text) <= WINDOW else text.encode()[-WINDOW:].decode(errors="ignore")


def _first_bytes(text: str) -> str:
    return text if _size(text) <= WINDOW else text.encode()[:WINDOW].decode(errors="ignore")
