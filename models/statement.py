"""Where a generated statement ends: at the newline that ends it, or before that newline is generated.

A line break within brackets, in a string of several lines or behind a backslash goes on. A statement ends early where
what could follow stands behind the cursor already, or hardly ever follows: `tests/models/test_statement.py` counts how
often in the standard library something did.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rung.models.lexer import CLOSERS, KEYWORDS, Lexer, is_known, last_lines, lexer_behind
from rung.models.protocol import Prompt, Sampling

_ONE_LINER = re.compile(rf"^[ \t]*(?:{KEYWORDS})\b.*[\w)\]]:[ \t]+[A-Za-z_]", re.M)
_ONLY_CLOSERS = re.compile(r"[)\]}]+[:;,]?")
SCANNED = 1500  # characters before the cursor that tell what its statement is


def scanner_of(prompt: Prompt, sampling: Sampling) -> StatementScanner | None:
    """What finds the end of the statement that `prompt` ends in, where `sampling` asks for that."""
    if sampling.statement is None:
        return None
    return StatementScanner(last_lines(prompt.prefix, SCANNED), sampling.statement, prompt.suffix)


def statement_in(text: str, prompt: Prompt, language: str) -> str:
    """`text`, written at the end of `prompt`, as far as it belongs to the statement there."""
    scanner = scanner_of(prompt, Sampling(0, statement=language))
    assert scanner is not None
    return text[: scanner.feed(text)]


class StatementScanner:
    """Reads what is generated at the cursor, in pieces of any size.

    before: what stands before the cursor, from the beginning of any line. language: as LSP names it; in those that are
    not known, every newline ends the statement. after: what stands behind the cursor; the cursor's own line counts.
    goes_on: asked at each line break within the statement, with the characters before it; False ends it there.
    """

    def __init__(self, before: str, language: str | None, after: str = "") -> None:
        self._known = is_known(language)
        self._lexer, own = lexer_behind(before, language) if self._known else (Lexer(language), 0)
        rest = after.partition("\n")[0].strip()
        self._least_depth = _least_depth(self._lexer, own, rest)
        self._stops_at_headers = language == "python" and not rest and not _ONE_LINER.search(before)
        self._length = 0
        self._ended = False
        self.goes_on: Callable[[int], bool] = lambda _: True

    def feed(self, text: str) -> int | None:
        """How many characters of all that was fed belong to the statement, once it has ended; None: it goes on."""
        for character in text:
            if not self._ended:
                self._take(character)
        return self._length if self._ended else None

    def _take(self, character: str) -> None:
        lexer = self._lexer
        if character == "\n" and not (self._known and lexer.goes_on_in_next_line and self.goes_on(self._length)):
            self._ended = True
            return
        ends_header = self._stops_at_headers and character == ":" and lexer.ends_header
        lexer.take(character)
        if lexer.depth < self._least_depth:
            self._ended = True
            return
        self._length += 1
        self._ended = ends_header


def _least_depth(lexer: Lexer, own: int, rest: str) -> float:
    """Of the brackets while `rest`, the end of the cursor's line, closes all those that the line's beginning opened.

    own: how many these are.
    """
    closers = [character for character in rest if character in CLOSERS]
    opened = lexer.brackets[len(lexer.brackets) - own :]
    fits = not lexer.quote and closers == opened[::-1] and _ONLY_CLOSERS.fullmatch(rest)
    return lexer.depth if fits else float("-inf")
