"""Cutting what a model wrote down to what can be inserted."""

from __future__ import annotations

import ast
import warnings

from rung.cascade.brackets import Gap
from rung.cascade.task import Function, Task
from rung.models.protocol import Prompt
from rung.models.statement import statement_in

_LINES_BELOW = 20
_OPENERS, _CLOSERS = "([{", ")]}"


def cut_line(text: str, task: Task) -> str:
    """The rest of the line or statement at the cursor, without what stands after the cursor already."""
    text = statement_in(text, Prompt(task.prefix, task.suffix), task.language).rstrip()
    gap = Gap.at(task.prefix, task.suffix, task.language)
    if gap is not None:
        text = gap.balanced(text)
    rest, _, below = task.suffix.partition("\n")
    if rest.strip():
        return _without_overlap(text, rest.strip(), gap.wanted if gap is not None else 0)
    following = next((line.strip() for line in below.split("\n", _LINES_BELOW) if line.strip()), "")
    return _until(text, following)


def cut_body(text: str, function: Function) -> str:
    """The statements of the function's body: to the first line that leaves it, and as far as they parse."""
    lines = text.split("\n")
    kept = lines[: _length_of_body(lines, function)]
    while kept and not kept[-1].strip():
        kept.pop()
    return _longest_that_parses(kept, function)


def body_is_over(text: str, function: Function) -> bool:
    """Whether a whole line of `text` has left the body: `cut_body` stays the same whatever follows."""
    lines = text.split("\n")[:-1]
    return _length_of_body(lines, function) < len(lines)


def program(function: Function, body: str) -> str:
    """A whole program with the function in it."""
    return f"{function.preamble}\n{function.enclosing}{function.header}{body}\n"


def _length_of_body(lines: list[str], function: Function) -> int:
    """Lines before the first that leaves it."""
    open_line = function.header.rpartition("\n")[2]
    for number, line in enumerate(lines):
        whole = line if number else open_line + line
        inside = whole.startswith(function.indent) or (number == 0 and open_line.strip())
        if whole.strip() and not inside:
            return number
    return len(lines)


def _longest_that_parses(lines: list[str], function: Function) -> str:
    # The last statement is often half: `max_tokens` fell in its middle.
    for length in range(len(lines), 0, -1):
        body = "\n".join(lines[:length]).rstrip()
        if _has_code(body) and parses(program(function, body)):
            return body
    return ""


def _has_code(body: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in body.split("\n"))


def parses(source: str) -> bool:
    """Whether CPython's parser takes `source`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _until(text: str, following: str) -> str:
    """The lines of `text` before the first that is the next one below the cursor."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        # Brackets that close what the text opened are its own, and many lines of a file are just such.
        if following and line.strip() == following and (number == 0 or any(map(str.isalnum, following))):
            return "\n".join(lines[:number])
    return text


def _without_overlap(text: str, rest: str, wanted: int) -> str:
    """wanted: closing brackets that must stay."""
    for length in range(min(len(text), len(rest)), 0, -1):
        start = len(text) - length
        overlaps = text.endswith(rest[:length]) and not _within_word(text, start) and not _within_word(rest, length)
        # A bracket that the text opened itself is its own, whatever stands after the cursor.
        if overlaps and sum(map(rest[:length].count, _CLOSERS)) <= max(0, _unopened(text) - wanted):
            return text[:start]
    return text


def _unopened(text: str) -> int:
    """Closing brackets that nothing in `text` opened."""
    depth = unopened = 0
    for character in text:
        if character in _OPENERS:
            depth += 1
        elif character in _CLOSERS:
            unopened += depth == 0
            depth = max(0, depth - 1)
    return unopened


def _within_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and all(character.isalnum() or character == "_" for character in text[at - 1 : at + 1])
