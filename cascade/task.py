"""What to complete."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rung.cascade.chunk import Chunk


class TaskKind(StrEnum):
    """`line`: the rest of this line or statement. `function`: the body of a function."""

    LINE = "line"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Function:
    """The function whose body is to be written.

    header: from its first decorator or `def` to the cursor; the signature, and usually a docstring.
    preamble: what a program needs beside it: imports, constants and functions of its file.
    enclosing: what stands around it: a method's class up to the method; empty at the top of a file.
    indent: blanks before the statements of the body.
    """

    name: str
    header: str
    preamble: str
    indent: str
    enclosing: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a rung's attempt showed at this place and the user typed over: an implicit rejection, score 0 (MCCom).

    text: what is left of it behind what was typed. confidence: the score it was shown with.
    """

    rung: str
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Task:
    """A place in a document: `prefix` before the cursor, `suffix` after it.

    function: there where `kind` is FUNCTION. path: None for a document that was never saved.
    several_lines: a statement may be shown to its end, whatever the confidence. rejected: of a line; the climb begins
    above that rung. retrieved: of a line; code from elsewhere in the repository, the most telling first.
    """

    kind: TaskKind
    prefix: str
    suffix: str
    language: str = "python"
    path: Path | None = None
    function: Function | None = None
    several_lines: bool = False
    rejected: Rejected | None = None
    retrieved: tuple[Chunk, ...] = ()
