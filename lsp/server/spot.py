"""Where an offer was made, followed through the changes of its document."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types

from rung.lsp.server.documents import Document, Place, count_line_ends, without_end


@dataclass(slots=True)
class Spot:
    """What stands between `head` and `tail` was put there since.

    Kept by the line's text on both sides and the number of lines below, not by adding up edits: editors compute these
    as differences of texts and put them elsewhere than the cursor was (typing `a` within `aaa` is an insertion at its
    end), or send the whole text.
    """

    line: int
    head: str
    tail: str
    below: int
    total: int

    @staticmethod
    def at(document: Document, start: Place, end: Place) -> Spot:
        """Of an offer that replaces what is between two places of one line."""
        text = without_end(document.lines[start.line])
        total = len(document.lines)
        return Spot(start.line, text[: start.column], text[end.column :], total - start.line - 1, total)

    def follow(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Take in a change of other lines. Call it for every change, in order."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            return
        start, end = sorted((change.range.start, change.range.end), key=lambda at: (at.line, at.character))
        last = self.total - 1
        delta = count_line_ends(change.text) - (min(end.line, last) - min(start.line, last))
        self.total += delta
        above = end.line < self.line or (end.line == self.line and end.character == 0 and start.line < self.line)
        if above:
            self.line += delta
        elif start.line > last - self.below:
            self.below += delta

    def since(self, document: Document, most_lines: int) -> str | None:
        """What was put here, line ends as "\\n"; None: the place itself is gone, or it is more than `most_lines`."""
        lines = document.lines
        last = len(lines) - 1 - self.below
        if not 0 <= self.line <= last < len(lines) or last - self.line >= most_lines:
            return None
        texts = [without_end(line) for line in lines[self.line : last + 1]]
        whole = "\n".join(texts)
        long_enough = len(whole) >= len(self.head) + len(self.tail)
        if not (long_enough and whole.startswith(self.head) and whole.endswith(self.tail)):
            return None
        return whole[len(self.head) : len(whole) - len(self.tail)]

    def widen_tail(self, since: str, kept: str) -> None:
        """What `since` has beyond `kept` stands behind the cursor."""
        self.tail = since[len(kept) :] + self.tail
