"""Python source that is still being typed, read with tree-sitter."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from rung.cascade.task import Function

# Stands where the body will be, so that a function without a body parses.
_PLACEHOLDER = "rung_placeholder_"
_EMPTY_STATEMENTS = {"pass_statement", "comment"}


def function_at(before: str, after: str) -> Function | None:
    """The function whose body is to be written at the cursor: nothing but a docstring, `pass` or `...` is in it."""
    lines = before.split("\n")
    open_line = lines[-1]
    if open_line.strip() and not _ends_a_header(open_line):
        return None
    indent = _body_indent(before)
    if indent is None:
        return None
    separator = "" if not open_line.strip() and open_line == indent else "\n" + indent
    source = (before + separator + _PLACEHOLDER + after).encode("utf-8", "surrogatepass")
    at = len((before + separator).encode("utf-8", "surrogatepass"))
    definition = _definition_around(_parse(source).descendant_for_byte_range(at, at + len(_PLACEHOLDER)))
    if definition is None or not _is_empty(definition):
        return None
    name = definition.child_by_field_name("name")
    outer = definition.parent if definition.parent and definition.parent.type == "decorated_definition" else definition
    if name is None or name.text is None:
        return None
    start = outer.start_byte - outer.start_point[1]
    header = source[start : len(before.encode("utf-8", "surrogatepass"))].decode("utf-8", "surrogatepass")
    return Function(name.text.decode("utf-8", "replace"), header, _preamble(source, outer), indent)


def _ends_a_header(line: str) -> bool:
    stripped = line.rstrip()
    return stripped.endswith((":", '"""', "'''"))


def _body_indent(before: str) -> str | None:
    """One level more than the nearest line above that begins a definition."""
    lines = before.expandtabs(8).split("\n") if "\t" in before and "    " in before else before.split("\n")
    for line in reversed(lines):
        stripped = line.lstrip(" \t")
        if stripped.startswith(("def ", "async def ")):
            own = line[: len(line) - len(stripped)]
            return own + ("\t" if "\t" in own else "    ")
    return None


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
    statements = [child for child in body.named_children if child.type not in _EMPTY_STATEMENTS]
    return all(
        _is_placeholder(statement) or (index == 0 and _is_string(statement)) or _is_ellipsis(statement)
        for index, statement in enumerate(statements)
    ) and any(_is_placeholder(statement) for statement in statements)


def _is_placeholder(statement: Node) -> bool:
    return statement.text == _PLACEHOLDER.encode()


def _is_ellipsis(statement: Node) -> bool:
    return statement.text == b"..."


def _is_string(statement: Node) -> bool:
    return (
        statement.type == "expression_statement"
        and len(statement.named_children) == 1
        and statement.named_children[0].type in ("string", "concatenated_string")
    )


def _preamble(source: bytes, definition: Node) -> str:
    """What the self-test's program needs beside the function, as far as it can run alone.

    Imports of other than the standard library are left out: the sandbox has nothing else, and a function
    that needs them fails its tests and climbs. So do decorated functions and classes of the file.
    """
    root = definition
    classes: list[str] = []
    while root.parent is not None:
        if root.type == "class_definition":
            classes.append(_class_line(source, root))
        root = root.parent
    parts = [text for child in root.children if child.id != definition.id for text in _usable(child)]
    return "\n".join([*parts, *reversed(classes)])


def _class_line(source: bytes, node: Node) -> str:
    name = node.child_by_field_name("name")
    text = name.text.decode("utf-8", "replace") if name is not None and name.text is not None else "_"
    return f"{' ' * node.start_point[1]}class {text}:"


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
