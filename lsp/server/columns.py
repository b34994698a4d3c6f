"""Columns of a line, in the units the client and the server agreed on, as code points, and back.

pygls counts character by character; a minified file has one line of megabytes, so this works on encoded bytes.
"""

from __future__ import annotations

from lsprotocol.types import PositionEncodingKind

_CONTINUATION = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character


def to_code_points(text: str, column: int, encoding: str | None) -> int:
    """Index in `text` of the `column`th unit; past the end it is the end, within a character the end of that."""
    if text.isascii() or encoding == PositionEncodingKind.Utf32:
        return min(column, len(text))
    head = text[:column]  # a character is at least one unit
    if encoding == PositionEncodingKind.Utf8:
        return len(head.encode("utf-8", "surrogatepass")[:column].translate(None, _CONTINUATION))
    return len(head.encode("utf-16-le", "surrogatepass")[: 2 * column].decode("utf-16-le", "surrogatepass"))


def to_units(text: str, column: int, encoding: str | None) -> int:
    """How many units `text[:column]` is."""
    head = text[:column]
    if head.isascii() or encoding == PositionEncodingKind.Utf32:
        return len(head)
    if encoding == PositionEncodingKind.Utf8:
        return len(head.encode("utf-8", "surrogatepass"))
    return len(head.encode("utf-16-le", "surrogatepass")) // 2
