"""Whether Python still parses with a text in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from rung.cascade.cut import parses
from rung.models.lexer import Lexer, lexer_behind

_BEFORE = 6000  # characters before the cursor that tell where its statement begins
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)\b", re.M)
_MOST_LINES = 30  # below the cursor
# What a statement that is not written to its end may go on with.
_ENDINGS = (
    "",
    " x",
    ": x",
    ":\n    pass",
    " x:\n    pass",
    "\n    pass",
    "\ndef f(): pass",
    " in x",
    " = x",
    " import x",
)
_WITHIN = ("", " x", ": x", " x: x", " in x", " for x in x", " else x")  # brackets
_BEGINNINGS = {
    "elif": "if x:\n    pass\n",
    "else": "if x:\n    pass\n",
    "except": "try:\n    pass\n",
    "finally": "try:\n    pass\n",
    "case": "match x:\n    ",
}
_WORD = re.compile(r"\w+")
_OPEN_TRY = re.compile(r"try\s*:")


def still_parses(text: str, before: str, after: str) -> bool:
    """Whether the statement at the cursor parses with `text` in it, or did not parse without it either.

    A statement that is not complete yet counts as one that parses: a header without its body, brackets that are still
    open at the end of the line. Within strings and comments everything parses.
    """
    statement, lexer = _statement(before)
    if lexer.quote or lexer.comment:
        return True
    rest, _, below = after.partition("\n")
    if _can_be_completed(statement + text + rest, below):
        return True
    return not _can_be_completed(statement, "")


def _statement(before: str) -> tuple[str, Lexer]:
    """The beginning of the cursor's statement, and the state at the cursor."""
    before = before[_known_start(before) :]
    lexer, _ = lexer_behind(before, "python")
    start = before.rfind("\n") + 1
    if lexer.brackets or lexer.quote or before[:start].endswith("\\\n"):
        start = _start(before)
    return before[start:], lexer


def _known_start(before: str) -> int:
    """Where no string is open: at the nearest definition above, whose docstring comes after it."""
    first = max(0, len(before) - _BEFORE)
    definition = 0
    for found in _DEFINITION.finditer(before, first):
        definition = found.start()
    if definition or not first:
        return definition
    return before.find("\n", first) + 1


def _start(before: str) -> int:
    """Where the last line begins that does not go on the one above it."""
    lexer, start = Lexer("python"), 0
    for at, character in enumerate(before):
        lexer.take(character)
        if character == "\n" and not lexer.goes_on_in_next_line:
            start = at + 1
    return start


def _can_be_completed(source: str, below: str) -> bool:
    source = textwrap.dedent(source.expandtabs()) if source[:1].isspace() else source
    source = source.lstrip()
    if not source.strip():
        return True
    word = _WORD.match(source)
    beginning = _BEGINNINGS.get(word.group() if word else "", "")
    return any(parses(beginning + whole) for whole in _endings(source, below))


def _endings(source: str, below: str) -> Iterator[str]:
    """Likely wholes of the statement that begins with `source`."""
    lexer, _ = lexer_behind(source, "python")
    if len(lexer.quote) == 3:
        yield source + lexer.quote + "".join(reversed(lexer.brackets))
        return
    source, closers = source.removesuffix("\\"), "".join(reversed(lexer.brackets))
    if not lexer.brackets:
        yield from (source + ending for ending in _ENDINGS)
        if _OPEN_TRY.match(source):
            yield f"{source}\n    pass\nfinally:\n    pass"
        return
    lines = below.split("\n", _MOST_LINES)[:_MOST_LINES]
    whole = source
    for line in lines:
        whole += "\n" + line
        for character in "\n" + line:
            lexer.take(character)
        if not lexer.brackets:
            for ending in ("", "\n    pass"):
                yield whole + ending
            break
    for within in _WITHIN:
        for ending in ("", ":\n    pass"):
            yield source + within + closers + ending
