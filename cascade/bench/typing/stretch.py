"""Stretches of real files to type: whole functions, while everything around them stands there already."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.keys import Typed

_MOST_BYTES = 200_000
_MOST_FILES = 5000
# A function at the very top of a file has nothing to go by.
_FIRST_LINE = 10
# Other files of the folder that the user has looked into before.
_NEIGHBOURS = 2
_FOUR = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """tree: the folder that is the project. path, neighbours: files in it, posix. head, tail: what stands around."""

    tree: Path
    path: str
    head: str
    typed: Typed
    tail: str
    neighbours: tuple[str, ...]

    @property
    def name(self) -> str:
        line = self.head.count("\n") + 1
        return f"{self.tree.name}/{self.path}:{line}"


def find_stretches(trees: Sequence[Path], count: int, keys: int, seed: int) -> list[Stretch]:
    """One function from each of `count` files, the trees in turn; always the same for the same trees and seed.

    keys: that a function takes at most; it takes half of them at least. Raises DataMissing.
    """
    choose = random.Random(seed)
    sources = [_of_tree(tree, keys, random.Random(choose.random())) for tree in trees]
    found: list[Stretch] = []
    while sources and len(found) < count:
        for source in list(sources):
            if len(found) == count:
                break
            if (stretch := next(source, None)) is None:
                sources.remove(source)
            else:
                found.append(stretch)
    if len(found) < count:
        names = ", ".join(map(str, trees))
        raise DataMissing(
            f"{names} gives {len(found)} functions of {keys // 2} to {keys} keys, each in a file of its own, and not "
            f"{count}: name more source trees."
        )
    return found


def _of_tree(tree: Path, keys: int, choose: random.Random) -> Iterator[Stretch]:
    if not tree.is_dir():
        raise DataMissing(f"{tree} is not there: name a folder of Python source.")
    files = sorted(path for path in tree.rglob("*.py") if _is_own(path))[:_MOST_FILES]
    choose.shuffle(files)
    for file in files:
        text = _text(file)
        functions = [function for function in _functions(text) if keys / 2 <= _keys(function) <= keys]
        if functions:
            head, typed, tail = choose.choice(functions)
            beside = sorted(other for other in file.parent.glob("*.py") if other != file and _is_own(other))
            neighbours = choose.sample(beside, min(_NEIGHBOURS, len(beside)))
            names = tuple(other.relative_to(tree).as_posix() for other in neighbours if _text(other))
            yield Stretch(tree, file.relative_to(tree).as_posix(), head, typed, tail, names)


def _is_own(path: Path) -> bool:
    """A link may lead out of the tree."""
    return path.is_file() and not path.is_symlink()


def _text(file: Path) -> str:
    """Empty where it is none that is taken: one file less to choose from."""
    try:
        text = file.read_text(encoding="utf-8") if file.stat().st_size <= _MOST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
    # Characters that only some count as line ends would measure only that.
    return text if text.splitlines() == text.removesuffix("\n").split("\n") else ""


def _functions(text: str) -> Iterator[tuple[str, Typed, str]]:
    """What stands before each, the function, and what stands behind it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno >= _FIRST_LINE and node.end_lineno:
            first = lines[node.lineno - 1]
            indent = first[: len(first) - len(first.lstrip())]
            if len(indent.encode()) == node.col_offset:
                head = "".join(line + "\n" for line in lines[: node.lineno - 1]) + indent
                body = "\n".join([first[len(indent) :], *lines[node.lineno : node.end_lineno]])
                tail = "".join("\n" + line for line in lines[node.end_lineno :])
                yield head, Typed(body, indent, _level(node, lines)), tail


def _level(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Sequence[str]) -> str:
    statement = node.body[0]
    line = lines[statement.lineno - 1]
    if line.startswith("\t"):
        return "\t"
    own_line = not line.encode()[: statement.col_offset].strip()
    return " " * (statement.col_offset - node.col_offset if own_line else _FOUR)


def _keys(function: tuple[str, Typed, str]) -> int:
    return len(function[1].all_keys())
