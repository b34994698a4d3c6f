"""As much of a language as it takes to know what a line break means: brackets, strings and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(CLOSER_OF.values())
KEYWORDS = "if|elif|else|for|while|def|class|with|try|except|finally"
_BACKQUOTED = frozenset({"go", "javascript", "javascriptreact", "typescript", "typescriptreact"})
_C_LIKE = _BACKQUOTED | {"c", "cpp", "csharp", "dart", "java", "kotlin", "php", "rust", "scala", "swift"}
_HEADER = re.compile(rf"\s*(?:async\s+)?(?:{KEYWORDS})\b")
_CODE = re.compile(
    rf"^[ \t]*(?:@\w|(?:{KEYWORDS})\b.*:[ \t]*$|return\b|import \w|from [\w.]+ import |[\w.]+(?:\[.*\])? [-+*/|&]?= )",
    re.M,
)
_OPENS_STRING = re.compile(r"(?:^|[=(\[{,:+%>]|\b(?:return|yield|in|and|or|not|raise|print))[ \t]*[A-Za-z]{0,2}$")
_HEAD = 80  # characters: a header's keyword and its indentation


def is_known(language: str | None) -> bool:
    """Whether brackets and strings of it are understood; in other languages every line stands alone."""
    return language == "python" or language in _C_LIKE


def last_lines(text: str, most: int) -> str:
    """The last `most` characters of it, in whole lines but for the last."""
    return text if len(text) <= most else text[text.find("\n", len(text) - most) + 1 :]


def lexer_behind(before: str, language: str | None) -> tuple[Lexer, int]:
    """The state at the cursor, and how many brackets that the cursor's line opened are open there.

    A text that begins within a string of several lines has code where strings seem to be.
    """
    lexer, own = _behind(before, language)
    return replace(lexer, brackets=[*lexer.brackets]), own


@lru_cache(maxsize=32)
def _behind(before: str, language: str | None) -> tuple[Lexer, int]:
    """One completion asks for the same place several times, and reading it takes a millisecond."""
    lexer, own, begin = read_into(Lexer(language), before)
    if len(lexer.quote) == 3 and not _begins_string(before, begin):
        lexer, own, _ = read_into(Lexer(language, quote=lexer.quote), before)
    return lexer, own


def read_into(lexer: Lexer, text: str) -> tuple[Lexer, int, int]:
    """Also the brackets that the last line opened, and where the last string of three quotes began."""
    lowest, begin = lexer.depth, 0
    for index, character in enumerate(text):
        was = lexer.quote
        lexer.take(character)
        lowest = lexer.depth if character == "\n" else min(lowest, lexer.depth)
        if len(lexer.quote) == 3 and not was:
            begin = index
    return lexer, lexer.depth - lowest, begin


@dataclass(slots=True)
class Lexer:
    """The state behind what was taken.

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
        elif character in CLOSER_OF:
            self.brackets.append(CLOSER_OF[character])
        elif character in CLOSERS:
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
