"""The base protocol of LSP: a header with the length of the body, then the body.

Framing that is broken cannot be mended: bytes of a document could be taken for messages. So it ends the session.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_HEADER = 4096  # bytes of all header lines of one message
MAX_BODY = 64 * 1024 * 1024  # bytes; a didOpen carries a whole file
_CHARSETS = {"utf-8", "utf8"}


class BrokenFraming(Exception):
    """The bytes are not LSP's base protocol; `str(error)` says what was there instead."""


class FrameParser:
    """Cuts a stream of bytes into the bodies of messages."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._body: bytearray | None = None
        self._missing = 0

    @property
    def between_frames(self) -> bool:
        """Whether the stream may end here."""
        return self._body is None and not self._header

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that `data` completes. Raises BrokenFraming, after the bodies before the broken place."""
        rest = memoryview(data)
        while rest:
            if self._body is None:
                rest = self._feed_header(rest)
            else:
                taken = rest[: self._missing]
                self._body += taken
                self._missing -= len(taken)
                rest = rest[len(taken) :]
            if self._body is not None and self._missing == 0:
                body, self._body = bytes(self._body), None
                yield body

    def _feed_header(self, data: memoryview) -> memoryview:
        """Takes the header's part of `data` and gives the rest back."""
        before = len(self._header)
        self._header += data[: MAX_HEADER + 4]
        end = self._header.find(b"\r\n\r\n", max(0, before - 3))
        if end < 0:
            if len(self._header) > MAX_HEADER:
                raise BrokenFraming(f"a message's header is longer than {MAX_HEADER} bytes")
            if (line := self._header.find(b"\r\n")) >= 0:
                _parse_field(bytes(self._header[:line]))  # anything but LSP is noticed at its first line
            return data[len(data) :]
        header = bytes(self._header[:end])
        self._header.clear()
        self._missing = _content_length(header)
        self._body = bytearray()
        return data[end + 4 - before :]


def _content_length(header: bytes) -> int:
    length: int | None = None
    for line in header.split(b"\r\n"):
        name, value = _parse_field(line)
        if name == "content-length":
            if length is not None:
                raise BrokenFraming("a message's header has two lengths")
            length = _parse_length(value)
        elif name == "content-type":
            _check_charset(value)
    if length is None:
        raise BrokenFraming("a message's header has no Content-Length")
    return length


def _parse_field(line: bytes) -> tuple[str, str]:
    name, colon, value = line.decode("ascii", "replace").partition(":")
    name = name.strip().lower()
    if not colon or name not in {"content-length", "content-type"}:
        raise BrokenFraming("a message does not begin with Content-Length or Content-Type")
    return name, value.strip()


def _parse_length(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise BrokenFraming("a message's Content-Length is not a number")
    length = int(value)
    if length == 0 or length > MAX_BODY:
        raise BrokenFraming(f"a message's Content-Length is not between 1 and {MAX_BODY}")
    return length


def _check_charset(value: str) -> None:
    for parameter in value.lower().split(";")[1:]:
        name, _, charset = parameter.partition("=")
        if name.strip() == "charset" and charset.strip().strip('"') not in _CHARSETS:
            raise BrokenFraming("a message's charset is not UTF-8")
