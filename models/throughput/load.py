"""Requests that look like completions: rests of lines and bodies of functions, in real code."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from rung.models.bench.texts import real_code

# What rung asks of a rung of the ladder, for a line and for a body.
LINE_TOKENS = 64
BODY_TOKENS = 256
_LINE_STOPS = ("\n",)
_BODY_STOPS = ("\ndef ", "\nclass ", "\n@", "\nif __name__")

# Characters of code before the cursor. rung sends at most 1,523 tokens where a rung's context is 2,048.
_LENGTHS = (500, 1500, 3000, 4500)
# Of this many requests one is for a function; the others are for lines.
_ROUND = 5
_LEAST_REST = 4  # characters of a line behind the cursor, or there would be nothing to complete

_MODULES = ("argparse", "dataclasses", "tarfile", "typing", "subprocess", "statistics", "shutil", "zipfile", "textwrap")


class Kind(StrEnum):
    LINE = "line"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request. prompt: ends where the cursor is, without trailing blanks, as rung sends it."""

    kind: Kind
    prompt: str
    max_tokens: int
    stop: tuple[str, ...]


def load(seed: int, mark: str) -> Iterator[Wanted]:
    """Requests without end: four lines, then a function, at places and with lengths that `seed` decides.

    mark: stands in the first line of every prompt, with its number. A prefix cache finds nothing where it is new, so
    that prompts cost what they cost a user in a file that the server has not seen: the throughput is rather too low
    than too high. Keystrokes in one file do better.
    """
    draw = random.Random(seed)
    number = 0
    while True:
        number += 1
        kind = Kind.LINE if number % _ROUND else Kind.FUNCTION
        code = draw.choice(_code())
        places = code.lines if kind is Kind.LINE else code.functions
        text = _before(code.text, draw.choice(places), draw.choice(_LENGTHS))
        prompt = f"# {number} {mark}\n{text}"  # the number first: prompts have no beginning in common
        if kind is Kind.LINE:
            yield Wanted(kind, prompt, LINE_TOKENS, _LINE_STOPS)
        else:
            yield Wanted(kind, prompt, BODY_TOKENS, _BODY_STOPS)


def prompts_only(requests: Iterator[Wanted]) -> Iterator[Wanted]:
    """The same with one token each: what is left of the work is reading the prompts."""
    return (replace(wanted, max_tokens=1, stop=()) for wanted in requests)


@dataclass(frozen=True, slots=True)
class _Code:
    """lines, functions: offsets in `text` where a cursor may be: within a line, and behind a docstring."""

    text: str
    lines: tuple[int, ...]
    functions: tuple[int, ...]


@cache
def _code() -> tuple[_Code, ...]:
    return tuple(_Code(text, _in_lines(text), _behind_docstrings(text)) for text in map(real_code, _MODULES))


def _before(text: str, end: int, length: int) -> str:
    """About `length` characters up to `end`, from the beginning of a line."""
    if end <= length:
        return text[:end]
    return text[text.rfind("\n", 0, end - length) + 1 : end]


def _in_lines(text: str) -> tuple[int, ...]:
    """After a word or a sign in each line that has enough before and behind it."""
    places, start = [], 0
    for line in text.split("\n"):
        code = line.rstrip()
        indent = len(code) - len(code.lstrip())
        at = indent + (len(code) - indent) // 2
        while at > indent and code[at - 1].isspace():
            at -= 1
        if at > indent and len(code) - at >= _LEAST_REST:
            places.append(start + at)
        start += len(line) + 1
    return tuple(places)


def _behind_docstrings(text: str) -> tuple[int, ...]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    documented = (
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None
    )
    # the end of a docstring's last line, which holds nothing behind it
    return tuple(starts[docstring.end_lineno] - 1 for docstring in documented if docstring.end_lineno is not None)
