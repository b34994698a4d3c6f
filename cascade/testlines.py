"""The valid test lines in a text that a model wrote."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable

# An assertion that takes more lines than this is a model that lost its way.
_LINES_AN_ASSERT = 6
_LINE_LENGTH = 2000


def suite(texts: Iterable[str], names: frozenset[str], l: int) -> list[str]:  # noqa: E741  the paper's name
    """Pool test texts into T: valid and distinct lines, at most `l` of each text (Chen et al. 2024, section 3.1).

    A line is valid if it parses, is an `assert`, and calls or mentions one of `names` (the function under test).
    Two lines are the same if they parse to the same condition.
    """
    pooled: dict[str, None] = {}
    for text in texts:
        for condition in _conditions(text, l):
            if _mentions(condition, names) and (line := _written(condition)) is not None:
                pooled.setdefault(line)
    return list(pooled)


def settled(text: str) -> str:
    """The part of a text that is still being written whose test lines stay the same whatever follows.

    Whole lines, up to an assertion that does not parse alone: the next lines may belong to it.
    """
    kept: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n")[:-1]:
        if line.lstrip().startswith("assert") and _parse(line.strip()) is None:
            break
        kept.append(line)
    return "\n".join(kept)


def count_of(text: str, l: int) -> int:  # noqa: E741
    """How many of the `l` assertions that `suite` takes of a text, valid or not, there are."""
    return len(_conditions(text, l))


def _written(condition: ast.expr) -> str | None:
    try:
        return f"assert {ast.unparse(condition)}"
    except RecursionError:  # it parsed, but is nested too deep to be written; or to be run
        return None


def _conditions(text: str, l: int) -> list[ast.expr]:  # noqa: E741
    """The conditions of the first `l` assertions that parse."""
    lines = text.replace("\r\n", "\n").split("\n")
    found: list[ast.expr] = []
    at = 0
    while at < len(lines) and len(found) < l:
        condition, used = _assertion(lines, at)
        if condition is not None:
            found.append(condition)
        at += used
    return found


def _assertion(lines: list[str], at: int) -> tuple[ast.expr | None, int]:
    if not lines[at].lstrip().startswith("assert"):
        return None, 1
    for used in range(1, _LINES_AN_ASSERT + 1):
        source = "\n".join(lines[at : at + used]).strip()
        if len(source) > _LINE_LENGTH:
            break
        tree = _parse(source)
        if tree is not None:
            statement = tree.body[0] if len(tree.body) == 1 else None
            return (statement.test if isinstance(statement, ast.Assert) else None), used
    return None, 1


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `assert (x, "message")`, odd escapes: the model's business
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _mentions(condition: ast.expr, names: frozenset[str]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr in names)
        for node in ast.walk(condition)
    )
