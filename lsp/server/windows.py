"""The text around the cursor that a completer is given.

Line ends are "\\n" whatever the document has; half surrogates, which cannot be encoded, are U+FFFD.
"""

from __future__ import annotations

from collections.abc import Iterable

from rung.lsp.server.documents import Document, Place

WINDOW = 64 * 1024  # bytes of UTF-8 on each side
_LINE_STEP = WINDOW // 16  # characters
_BOM = "\ufeff"


def text_before(document: Document, place: Place) -> str:
    """At most WINDOW bytes, in whole lines but for the cursor's own.

    It begins at the same place over most keystrokes, so that prompts made of it do, too.
    """
    lines = document.lines
    line = lines[place.line]
    before = line[_first_column(line, place.column) : place.column]
    fitting = _count_fitting((lines[i] for i in range(place.line - 1, -1, -1)), WINDOW - _size(before))
    first = _first_line(place.line, fitting)
    text = _clean("".join([*lines[first : place.line], before]))
    return text if first else text.removeprefix(_BOM)


def text_after(document: Document, place: Place) -> str:
    """At most WINDOW bytes, in whole lines but for the cursor's own."""
    lines = document.lines
    after = lines[place.line][place.column : place.column + WINDOW]  # a character is at least one byte
    below = place.line + 1
    fitting = _count_fitting((lines[i] for i in range(below, len(lines))), WINDOW - _size(after))
    return _first_bytes(_clean("".join([after, *lines[below : below + fitting]])))


def _first_line(line: int, fitting: int) -> int:
    """The first of the lines above `line`, of which `fitting` fit: a multiple of a power of two at the cost of few."""
    if fitting == line:
        return 0
    step = 1 << max(0, (fitting // 8).bit_length() - 1)
    return -(-(line - fitting) // step) * step


def _first_column(line: str, column: int) -> int:
    first = -(-max(0, column - WINDOW) // _LINE_STEP) * _LINE_STEP
    while _size(line[first:column]) > WINDOW:
        first += _LINE_STEP
    return first


def _count_fitting(lines: Iterable[str], room: int) -> int:
    """How many of them are `room` bytes together at most."""
    count = 0
    for line in lines:
        room -= _size(line)
        if room < 0:
            break
        count += 1
    return count


def _size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _clean(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first_bytes(text: str) -> str:
    """For a line longer than the window: its first bytes, in whole characters."""
    return text if _size(text) <= WINDOW else text.encode()[:WINDOW].decode(errors="ignore")
