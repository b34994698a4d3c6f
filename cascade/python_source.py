"""Python source that is still being typed, read with tree-sitter."""

from __future__ import annotations

import ast
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from rung.cascade.task import Function

# Stands where the body will be, so that a function without a body parses.
_PLACEHOLDER = "rung_placeholder_"
_DEFINITION = re.compile(r"[ \t]*(async[ \t]+)?def\b")
_QUOTES = tuple(prefix + quotes for prefix in ("", "r", "R") for quotes in ('"', "'"))
_CANDIDATES = 3
_BLOCKS = {
    "function_definition",
    "if_statement",
    "for_statement",
    "while_statement",
    "with_statement",
    "try_statement",
    "match_statement",
}


def function_at(before: str, after: str) -> Function | None:
    """The function whose body is to be written at the cursor: nothing but a docstring stands before it, no code after.

    A `pass` or `...` after the cursor is no code; one before it is a body that somebody finished.
    """
    lines = before.split("\n")
    if lines[-1].strip() and not lines[-1].rstrip().endswith((":", '"""', "'''")):
        return None
    candidates = [row for row in range(len(lines) - 1, -1, -1) if _DEFINITION.match(lines[row])]
    for row in candidates[:_CANDIDATES]:  # a line of a docstring may look like a definition
        function = _function(lines, row, before, after)
        if function is not None:
            return function
    return None


def _function(lines: list[str], row: int, before: str, after: str) -> Function | None:
    """The one whose definition begins in line `row`, if its body is at the cursor."""
    indent = _body_indent(lines, row)
    open_line = lines[-1]
    separator = "" if open_line == indent else "\n" + indent
    source = (before + separator + _PLACEHOLDER + after).encode("utf-8", "surrogatepass")
    at = len((before + separator).encode("utf-8", "surrogatepass"))
    definition = _definition_around(_parse(source).descendant_for_byte_range(at, at + len(_PLACEHOLDER)))
    if definition is None or definition.start_point[0] != row or not _is_empty(definition):
        return None
    name = definition.child_by_field_name("name")
    outer = definition.parent if definition.parent and definition.parent.type == "decorated_definition" else definition
    if name is None or name.text is None:
        return None
    start = outer.start_byte - outer.start_point[1]
    header = source[start : len(before.encode("utf-8", "surrogatepass"))].decode("utf-8", "surrogatepass")
    return Function(name.text.decode("utf-8", "replace"), header, _preamble(outer), indent, _enclosing(source, outer))


def _body_indent(lines: list[str], row: int) -> str:
    """That of the cursor's line, of the docstring, or one level more than the definition."""
    own = _blanks(lines[row])
    if not lines[-1].strip() and len(lines[-1]) > len(own):
        return lines[-1]
    for line in lines[row + 1 :]:
        if line.lstrip().startswith(_QUOTES) and len(_blanks(line)) > len(own):
            return _blanks(line)
    return own + _unit(lines)


def _unit(lines: list[str]) -> str:
    """One level of indentation in this file: that of its first block; four blanks where there is none."""
    for above, below in itertools.pairwise(line for line in lines if line.strip()):
        deeper = _blanks(below)
        if above.rstrip().endswith(":") and deeper.startswith(_blanks(above)) and deeper != _blanks(above):
            return deeper[len(_blanks(above)) :]
    return "    "


def _blanks(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _definition_around(node: Node | None) -> Node | None:
    while node is not None and node.type != "function_definition":
        if node.type in ("class_definition", "lambda"):
            return None
        node = node.parent
    return node


def _is_empty(definition: Node) -> bool:
    body = definition.child_by_field_name("body")
    if body is None:
        return False
    statements = [child for child in body.named_children if child.type != "comment"]
    if statements and _is_string(statements[0]):
        statements = statements[1:]
    return bool(statements) and _is_placeholder(statements[0]) and all(map(_does_nothing, statements[1:]))


def _is_placeholder(statement: Node) -> bool:
    return statement.text == _PLACEHOLDER.encode()


def _does_nothing(statement: Node) -> bool:
    return statement.type == "pass_statement" or statement.text == b"..."


def _is_string(statement: Node) -> bool:
    return (
        statement.type == "expression_statement"
        and len(statement.named_children) == 1
        and statement.named_children[0].type in ("string", "concatenated_string")
    )


def _preamble(definition: Node) -> str:
    """What the self-test's program needs beside the function, as far as it can run alone.

    Imports of other than the standard library are left out: the sandbox has nothing else, and a function
    that needs them fails its tests and climbs. So do decorated functions and classes of the file.
    """
    top = definition
    while top.parent is not None and top.parent.parent is not None:
        top = top.parent
    siblings = top.parent.children if top.parent is not None else []
    return "\n".join(text for child in siblings if child.id != top.id for text in _usable(child))


def _enclosing(source: bytes, definition: Node) -> str:
    """The blocks around the function: a class with what stands in it before the function, `if True:` for others."""
    parts: list[str] = []
    inner, outer = definition, definition.parent
    while outer is not None:
        if outer.type == "class_definition":
            until = inner.start_byte - inner.start_point[1]
            parts.append(source[outer.start_byte - outer.start_point[1] : until].decode("utf-8", "replace"))
            inner = outer.parent if outer.parent and outer.parent.type == "decorated_definition" else outer
        elif outer.type in _BLOCKS:
            line = source[outer.start_byte - outer.start_point[1] : outer.start_byte].decode("utf-8", "replace")
            parts.append(f"{_blanks(line)}if True:\n")
            inner = outer
        outer = outer.parent
    return "".join(reversed(parts))


def _usable(node: Node) -> Iterator[str]:
    if node.text is None or _PLACEHOLDER.encode() in node.text or node.has_error:
        return
    text = textwrap.dedent(node.text.decode("utf-8", "replace"))
    kept = node.type == "function_definition" or (node.type == "expression_statement" and _is_constant_assignment(text))
    if kept:
        yield text
    elif node.type in ("import_statement", "import_from_statement", "future_import_statement"):
        yield from _standard_imports(text)


def _standard_imports(text: str) -> Iterator[str]:
    try:
        statement = ast.parse(text).body[0]
    except (SyntaxError, ValueError, IndexError):
        return
    if isinstance(statement, ast.ImportFrom):
        if not statement.level and (statement.module or "").split(".")[0] in sys.stdlib_module_names:
            yield text
    elif isinstance(statement, ast.Import):
        names = [name for name in statement.names if name.name.split(".")[0] in sys.stdlib_module_names]
        if names:
            yield ast.unparse(ast.Import(names))


def _is_constant_assignment(text: str) -> bool:
    try:
        statement = ast.parse(text).body[0]
        if not isinstance(statement, ast.Assign):
            return False
        ast.literal_eval(statement.value)
    except (SyntaxError, ValueError, TypeError, IndexError, RecursionError, MemoryError):
        return False
    return True


def _parse(source: bytes) -> Node:
    return _parser().parse(source).root_node


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_python.language()))
