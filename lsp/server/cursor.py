"""Where the cursor is, as far as changes of a document tell: no message of LSP does."""

from __future__ import annotations

from lsprotocol import types

from rung.lsp.server.documents import Document, Place, count_line_ends, without_end


def cursor_after(document: Document, change: types.TextDocumentContentChangeEvent) -> Place | None:
    """Where the cursor is after it, most likely; None: anywhere, the whole text was sent."""
    if not isinstance(change, types.TextDocumentContentChangePartial):
        return None
    start = min(change.range.start, change.range.end, key=lambda at: (at.line, at.character))
    begin = document.locate(start)
    below = count_line_ends(change.text)
    line = min(begin.line + below, len(document.lines) - 1)
    column = len(change.text) - (max(change.text.rfind("\n"), change.text.rfind("\r")) + 1)
    return Place(line, min(column + (0 if below else begin.column), len(without_end(document.lines[line]))))
