"""Where a generated statement ends: at the newline that ends it, or before that newline is generated.

A line break within brackets, in a string of several lines or behind a backslash goes on. A statement ends early where
what could follow stands behind the cursor already, or hardly ever follows: `tests/models/test_statement.py` counts how
often in the standard library something did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_CLOSER_OF.values())
_BACKQUOTED = frozenset({"go", "javascript", "javascriptreact", "typescript", "typescriptreact"})
_C_LIKE = _BACKQUOTED | {"c", "cpp", "csharp", "dart", "java", "kotlin", "php", "rust", "scala", "swift"}
_KEYWORDS = "if|elif|else|for|while|def|class|with|try|except|finally"
_HEADER = re.compile(rf"\s*(?:async\s+)?(?:{_KEYWORDS})\b")
_ONE_LINER = re.compile(rf"^[ \t]*(?:{_KEYWORDS})\b.*[\w)\]]:[ \t]+[A-Za-z_]", re.M)
_CODE = re.compile(
    rf"^[ \t]*(?:@\w|(?:{_KEYWORDS})\b.*:[ \t]*$|return\b|import \w|from [\w.]+ import |[\w.]+(?:\[.*\])? [-+*/|&]?= )",
    re.M,
)
_ONLY_CLOSERS = re.compile(r"[)\]}]+[:;,]?")
_OPENS_STRING = re.compile(r"(?:^|[=(\[{,:+%>]|\b(?:return|yield|in|and|or|not|raise|print))[ \t]*[A-Za-z]{0,2}$")
_HEAD = 80  # characters: a header's keyword and its indentation


class StatementScanner:
    """Reads what is generated at the cursor, in pieces of any size.

    before: what stands before the cursor, from the beginning of any line. language: as LSP names it; in those that are
    not known, every newline ends the statement. after: what stands behind the cursor; the cursor's own line counts.
    """

    def __init__(self, before: str, language: str | None, after: str = "") -> None:
        self._known = language == "python" or language in _C_LIKE
        self._lexer, own = _lexer_behind(before, language) if self._known else (_Lexer(language), 0)
        rest = after.partition("\n")[0].strip()
        self._least_depth = _least_depth(self._lexer, own, rest)
        self._stops_at_headers = language == "python" and not rest and not _ONE_LINER.search(before)
        self._length = 0
        self._ended = False

    def feed(self, text: str) -> int | None:
        """How many characters of all that was fed belong to the statement, once it has ended; None: it goes on."""
        for character in text:
            if not self._ended:
                self._take(character)
        return self._length if self._ended else None

    def _take(self, character: str) -> None:
        lexer = self._lexer
        if character == "\n" and not (self._known and lexer.goes_on_in_next_line):
            self._ended = True
            return
        ends_header = self._stops_at_headers and character == ":" and lexer.ends_header
        lexer.take(character)
        if lexer.depth < self._least_depth:
            self._ended = True
            return
        self._length += 1
        self._ended = ends_header


@dataclass(slots=True)
class _Lexer:
    """As much of a language as it takes to know what a line break means.

    brackets: the closers that are awaited. missing: closers of what was opened before the text. quote: what ends the
    string; empty outside of one. comment: what ends it. head: how the statement begins.
    """

    language: str | None
    brackets: list[str] = field(default_factory=list)
    missing: int = 0
    quote: str = ""
    comment: str = ""
    head: str = ""
    last: str = ""
    _word: str = ""
    _escaped: bool = False
    _quotes: int = 0  # that came just now: of an empty string, or of three that begin or end one
    _has_colon: bool = False

    @property
    def depth(self) -> int:
        return len(self.brackets) - self.missing

    @property
    def goes_on_in_next_line(self) -> bool:
        if self._escaped or len(self.quote) == 3 or self.quote == "`" or self.comment == "*/":
            return True
        return bool(self.brackets) and (self.language == "python" or self.brackets[-1] != "}")

    @property
    def ends_header(self) -> bool:
        """Whether a colon would be that of Python's `if`, `def` or another header, and not followed by `=`."""
        plain = not (self.quote or self.comment or self.brackets or self._escaped or self._has_colon)
        return plain and (self.last.isalnum() or self.last in tuple("_)]}\"'")) and bool(_HEADER.match(self.head))

    def take(self, character: str) -> None:
        if character == "\n":
            self._take_line_end()
        elif self._escaped:
            self._escaped, character = False, ""
        elif self.comment:
            self._take_in_comment(character)
        elif self.quote:
            self._take_in_string(character)
        else:
            self._take_code(character)
        if len(self.head) < _HEAD and character != "\n":
            self.head += character
        self.last = character

    def _take_line_end(self) -> None:
        if self.comment == "\n":
            self.comment = ""
        if len(self.quote) == 1 and self.quote != "`" and not self._escaped:
            self.quote = ""  # nobody closed it
        if not self.goes_on_in_next_line:
            self.head, self._has_colon = "", False
        self._escaped, self._quotes = False, 0

    def _take_in_comment(self, character: str) -> None:
        if self.comment == "*/" and self.last + character == "*/":
            self.comment = ""

    def _take_in_string(self, character: str) -> None:
        if character == "\\" and (self.quote != "`" or self.language != "go"):
            self._escaped = True
        self._quotes = self._quotes + 1 if character == self.quote[0] else 0
        if self._quotes == len(self.quote):
            # Two quotes may be an empty string, or begin three.
            self._quotes = 2 if self.last == character and len(self.quote) == 1 else 0
            self.quote = ""

    def _take_code(self, character: str) -> None:
        opens_three, self._quotes = self._quotes == 2 and character == self.last, 0
        self._word = self._word + character if character.isalnum() else ""
        if self._word == "lambda":
            self._has_colon = True  # whose own colon ends no header
        if self._is_quote(character):
            self.quote = character * 3 if opens_three and self.language == "python" else character
        elif character in _CLOSER_OF:
            self.brackets.append(_CLOSER_OF[character])
        elif character in _CLOSERS:
            if self.brackets:
                self.brackets.pop()
            else:
                self.missing += 1
        elif character == "\\":
            self._escaped = True
        elif character == ":" and not self.brackets:
            self._has_colon = True
        else:
            self._begin_comment(character)

    def _is_quote(self, character: str) -> bool:
        if character == "'":
            return self.language != "rust"  # lifetimes
        return character == '"' or (character == "`" and self.language in _BACKQUOTED)

    def _begin_comment(self, character: str) -> None:
        if self.language == "python":
            self.comment = "\n" if character == "#" else ""
        elif self.last == "/" and character in "/*":
            self.comment = "\n" if character == "/" else "*/"


def _lexer_behind(before: str, language: str | None) -> tuple[_Lexer, int]:
    """The state at the cursor, and how many brackets that the cursor's line opened are open there.

    A text that begins within a string of several lines has code where strings seem to be.
    """
    lexer, own, begin = _read(_Lexer(language), before)
    if len(lexer.quote) == 3 and not _begins_string(before, begin):
        lexer, own, _ = _read(_Lexer(language, quote=lexer.quote), before)
    return lexer, own


def _begins_string(text: str, at: int) -> bool:
    """Whether the three quotes whose last is at `at` rather begin than end a string of several lines."""
    below = text.find("\n", at) + 1
    if below and _CODE.search(text, below):
        return False
    above, _, line = text[: at - 2].rpartition("\n")
    if line.strip(" \trRbBfFuU"):
        return bool(_OPENS_STRING.search(line))
    above = above.rstrip()
    return not above or above.endswith((":", "(", "=", ",", "[", "{"))


def _read(lexer: _Lexer, text: str) -> tuple[_Lexer, int, int]:
    """Also the brackets that the last line opened, and where the last string of three quotes began."""
    lowest, begin = lexer.depth, 0
    for index, character in enumerate(text):
        was = lexer.quote
        lexer.take(character)
        lowest = lexer.depth if character == "\n" else min(lowest, lexer.depth)
        if len(lexer.quote) == 3 and not was:
            begin = index
    return lexer, lexer.depth - lowest, begin


def _least_depth(lexer: _Lexer, own: int, rest: str) -> float:
    """Of the brackets while `rest`, the end of the cursor's line, closes all those that the line's beginning opened.

    own: how many these are.
    """
    closers = [character for character in rest if character in _CLOSERS]
    opened = lexer.brackets[len(lexer.brackets) - own :]
    fits = not lexer.quote and closers == opened[::-1] and _ONLY_CLOSERS.fullmatch(rest)
    return lexer.depth if fits else float("-inf")
