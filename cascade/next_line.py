"""What an editor inserts at the Enter key."""

from __future__ import annotations

import re

_LEAVES = re.compile(r"\s*(return|raise|pass|break|continue)\b")
_UNIT = re.compile(r"^( +|\t)\S", re.M)
_OPENERS = ("(", "[", "{")


def next_line(before: str, language: str) -> str:
    """The line break with the indentation that follows the last line of `before`, as most editors guess it."""
    line = before.rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    unit = _unit(before)
    if line.rstrip().endswith((":", *_OPENERS) if language == "python" else _OPENERS):
        return f"\n{indent}{unit}"
    if language == "python" and _LEAVES.match(line):
        return "\n" + indent.removesuffix(unit)
    return f"\n{indent}"


def _unit(text: str) -> str:
    """One level of indentation: the least that is found."""
    found = min((match.group(1) for match in _UNIT.finditer(text[-4000:])), key=len, default="    ")
    return found if found == "\t" or len(found) > 1 else "    "
