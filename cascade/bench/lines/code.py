"""The lines and statements of a Python source, as stretches of it."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

from rung.cascade.cut import parses

_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}
_IMPORTS = ("import", "from")


@dataclass(frozen=True, slots=True)
class Word:
    """A token; begin, end: offsets into the source."""

    begin: int
    end: int
    text: str

    @property
    def is_name(self) -> bool:
        return self.text.isidentifier()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A line, or a statement, without the indentation before it. rows: of the source, first and last, from 1."""

    words: tuple[Word, ...]
    rows: tuple[int, int]
    imports: bool

    @property
    def begin(self) -> int:
        return self.words[0].begin

    @property
    def end(self) -> int:
        return self.words[-1].end


@dataclass(frozen=True, slots=True)
class Code:
    """lines: of code, each on its own. statements: simple ones, and the headers of compound ones up to their colon.

    Neither has a comment in it or behind it, a semicolon, a text alone (as docstrings are), or, in a line, a part of a
    text of several lines or a backslash at its end.
    """

    source: str
    lines: tuple[Stretch, ...]
    statements: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    word: Word
    type: int
    rows: tuple[int, int]


def read_code(source: str) -> Code | None:
    """None where it is no Python of this interpreter's version."""
    if not parses(source):
        return None
    try:
        tokens = list(_tokens(source))
    except (tokenize.TokenError, SyntaxError):
        return None
    lines: list[Stretch] = []
    statements: list[Stretch] = []
    commented = {token.rows[0] for token in tokens if token.type == tokenize.COMMENT}
    rows = source.split("\n")
    for statement in _statements(tokens):
        if not _is_plain(statement):
            continue
        imports = statement[0].word.text in _IMPORTS
        first, last = statement[0].rows[0], statement[-1].rows[1]
        if commented.isdisjoint(range(first, last + 1)):
            statements.append(_stretch(statement, imports))
        lines += [
            _stretch(line, imports)
            for line in _lines(statement)
            if line[0].rows[0] not in commented and not rows[line[0].rows[0] - 1].endswith("\\")
        ]
    return Code(source, tuple(lines), tuple(statements))


def words(source: str) -> list[str] | None:
    """The tokens of a piece of code, without its layout: blanks between them, line breaks and indentation.

    None where it ends within a bracket or a text. Comments count.
    """
    try:
        return [token.word.text for token in _tokens(source) if token.type == tokenize.COMMENT or not _is_layout(token)]
    except (tokenize.TokenError, SyntaxError):
        return None


def _is_layout(token: _Token) -> bool:
    return token.type in _LAYOUT


def _is_plain(statement: list[_Token]) -> bool:
    return any(token.type != tokenize.STRING for token in statement) and all(
        token.word.text != ";" for token in statement
    )


def _stretch(tokens: list[_Token], imports: bool) -> Stretch:
    return Stretch(tuple(token.word for token in tokens), (tokens[0].rows[0], tokens[-1].rows[1]), imports)


def _statements(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Without layout and comments."""
    statement: list[_Token] = []
    for token in tokens:
        if not _is_layout(token):
            statement.append(token)
        elif token.type == tokenize.NEWLINE and statement:
            yield statement
            statement = []


def _lines(statement: list[_Token]) -> Iterator[list[_Token]]:
    """The rows of a statement that no text of several lines reaches into."""
    spanned = {row for token in statement if token.rows[0] < token.rows[1] for row in range(*token.rows)}
    spanned |= {token.rows[1] for token in statement if token.rows[0] < token.rows[1]}
    for row, line in groupby(statement, lambda token: token.rows[0]):
        if row not in spanned:
            yield list(line)


def _tokens(source: str) -> Iterator[_Token]:
    """As CPython cuts them, but a formatted text is one token, which it is only before Python 3.12."""
    starts = list(accumulate((len(row) + 1 for row in source.split("\n")), initial=0))
    open_texts: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        first, type_ = token, token.type
        if kind.endswith("STRING_START"):
            open_texts.append(token)
        elif kind.endswith("STRING_END"):
            first, type_ = open_texts.pop(), tokenize.STRING
        if open_texts:
            continue
        begin, end = (starts[row - 1] + column for row, column in (first.start, token.end))
        yield _Token(Word(begin, end, source[begin:end]), type_, (first.start[0], token.end[0]))
