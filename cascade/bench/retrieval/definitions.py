"""Chunks along the definitions of Python, as tree-sitter sees them: what `cutting` was compared with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_DEFINITIONS = ("function_definition", "class_definition", "decorated_definition")
_DEPTH = 3


def cut_definitions(text: str, fewest: int, most: int) -> Iterator[tuple[int, str]]:
    """Like `cutting.cut`, but a chunk ends where a definition begins or ends, an outer one rather than an inner one."""
    lines = text.split("\n")
    borders: dict[int, int] = {}
    _mark(_parser().parse(text.encode("utf-8", "replace")).root_node, 0, borders)
    start = 0
    while start < len(lines):
        end = len(lines)
        if end - start > most:
            end = max(range(start + fewest, start + most + 1), key=lambda line: (borders.get(line, -_DEPTH), line))
        yield start + 1, "\n".join(lines[start:end])
        start = end


def _mark(node: Node, depth: int, borders: dict[int, int]) -> None:
    """borders: line, 0-based, and how strong the border before it is."""
    for child in node.children:
        if child.type in _DEFINITIONS:
            borders[child.start_point[0]] = -depth
            borders.setdefault(child.end_point[0] + 1, -depth)
        if depth < _DEPTH and child.type in (*_DEFINITIONS, "block"):
            _mark(child, depth + (child.type in _DEFINITIONS), borders)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_python.language()))
