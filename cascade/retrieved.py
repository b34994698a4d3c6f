"""Retrieved code as the model reads it: before the file, so that keystrokes leave it in the key-value cache."""

from __future__ import annotations

from pathlib import PurePath

from rung.cascade.chunk import Chunk
from rung.cascade.task import Task
from rung.cascade.weight import weight

_SLASHES = frozenset(
    [
        "c",
        "cpp",
        "csharp",
        "dart",
        "go",
        "java",
        "javascript",
        "javascriptreact",
        "kotlin",
        "php",
        "rust",
        "scala",
        "swift",
        "typescript",
        "typescriptreact",
    ]
)
_DASHES = frozenset({"ada", "elm", "haskell", "lua", "sql", "vhdl"})


def retrieved_lines(task: Task, room: int) -> str:
    """As many of the retrieved chunks as weigh `room` at most, each below its path, the most telling last.

    Then the file's own name. Empty where nothing was retrieved or fits.
    """
    sign = _comment_sign(task.language)
    kept: list[str] = []
    for chunk in task.retrieved:
        block = _block(chunk, sign)
        room -= weight(block)
        if room < 0:
            break
        kept.append(block)
    if not kept:
        return ""
    name = PurePath(task.path).name if task.path is not None else "this file"
    return "".join(reversed(kept)) + f"{sign} {name}\n"


def _block(chunk: Chunk, sign: str) -> str:
    lines = chunk.text.strip("\n")
    return f"{sign} {chunk.path}\n{lines}\n\n"


def _comment_sign(language: str) -> str:
    if language in _SLASHES:
        return "//"
    return "--" if language in _DASHES else "#"
