"""Open documents as lists of lines.

pygls keeps one string and splits all of it for every change and every position: 40 to 60 ms for each in a file of
10 MB. It also takes form feeds and other separators of Unicode for line ends, which LSP does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

from lsprotocol import types
from lsprotocol.types import PositionEncodingKind
from pygls.workspace import TextDocument, Workspace

from rung.lsp.server.columns import to_code_points, to_units
from rung.lsp.server.uris import path_of

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_ONLY_PYTHONS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # line ends of str.splitlines, not of LSP


class Place(NamedTuple):
    """Between two characters. column: in code points, at most the end of the line's text."""

    line: int
    column: int


class Document(TextDocument):
    """An open document.

    revision: counts changes, also where a client gives no versions.
    in_sync: False after a change that could not be read, until the client sends the whole text.
    lines: with their ends; the last one has none and may be empty.
    """

    def __init__(self, uri: str, source: str, version: int | None, language_id: str, encoding: str | None) -> None:
        super().__init__("", source="", version=version, language_id=language_id)
        self.uri = uri  # not given to pygls, which fails on URIs that are none
        self.file = path_of(uri)
        self.revision = 0
        self.in_sync = True
        self._encoding = encoding
        self._lines = _split_document(source)

    @property
    def lines(self) -> Sequence[str]:
        return self._lines

    @property
    def source(self) -> str:
        return "".join(self._lines)

    def locate(self, position: types.Position) -> Place:
        """The place of a client's position. What lies outside is moved to the end of its line or of the document."""
        if position.line >= len(self._lines):
            return Place(len(self._lines) - 1, len(self._lines[-1]))
        text = without_end(self._lines[position.line])
        return Place(position.line, to_code_points(text, position.character, self._encoding))

    def position(self, place: Place) -> types.Position:
        """In the client's units."""
        return types.Position(place.line, to_units(self._lines[place.line], place.column, self._encoding))

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        self.revision += 1
        if isinstance(change, types.TextDocumentContentChangePartial):
            places = sorted((self.locate(change.range.start), self.locate(change.range.end)))
            self._replace(places[0], places[1], change.text)
        else:
            self._lines = _split_document(change.text)
            self.in_sync = True

    def _replace(self, start: Place, end: Place, text: str) -> None:
        lines = self._lines
        changed = lines[start.line][: start.column] + text + lines[end.line][end.column :]
        first = start.line
        if first == end.line and "\n" not in text and "\r" not in text and not changed.startswith("\n"):
            lines[first] = changed  # a keystroke: nothing to split, which matters in a line of megabytes
            return
        if first > 0 and changed.startswith("\n") and lines[first - 1].endswith("\r"):
            first -= 1  # the two are one line end now
            changed = lines[first] + changed
        at_end = end.line == len(lines) - 1
        lines[first : end.line + 1] = _split_document(changed) if at_end else _split(changed)


class Documents(Workspace):
    """The documents the client has open, and its folders."""

    def find(self, uri: str) -> Document | None:
        """The open document; never one from the disk."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, Document) else None

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Changes of documents that are not open are dropped."""
        if (document := self.find(text_doc.uri)) is not None:
            document.apply_change(change)
            document.version = text_doc.version

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Document:
        encoding = None if self.position_encoding is None else PositionEncodingKind(self.position_encoding).value
        return Document(doc_uri, source or "", version, language_id or "", encoding)


def without_end(line: str) -> str:
    """The line without its line end."""
    if line.endswith("\n"):
        return line[:-2] if line.endswith("\r\n") else line[:-1]
    return line[:-1] if line.endswith("\r") else line


def count_line_ends(text: str) -> int:
    """How many lines `text` ends."""
    return len(_split_document(text)) - 1


def _split(text: str) -> list[str]:
    """Lines with their ends; none after the last line end."""
    if any(end in text for end in _ONLY_PYTHONS):
        return _LINE.findall(text)
    return text.splitlines(keepends=True)


def _split_document(text: str) -> list[str]:
    lines = _split(text)
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines
