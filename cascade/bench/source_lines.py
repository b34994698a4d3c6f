"""Line tasks from source trees, so that a choice does not rest on one public set of problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rung.cascade.bench.data import DataMissing, spread
from rung.cascade.bench.greedy import LineTask

_LINES_A_FILE = 5  # each prompt goes on where the one before ended, as when a user writes
_SEGMENT_CHARACTERS = 1500
_FIRST_LINE = 8
_LENGTHS = range(10, 81)
_MIN_CHARACTERS, _MAX_BYTES = 2000, 200_000


def source_lines(trees: Sequence[Path], count: int) -> list[LineTask]:
    """`count` lines of Python files, spread over the files and within each. Always the same for the same trees.

    A line is code of 10 to 80 characters, no comment. Raises DataMissing where these are too few, or a path is missing.
    """
    texts = list(_texts(trees))
    files = [tasks for text in texts if len(tasks := _tasks(text)) == _LINES_A_FILE]
    wanted = -(-count // _LINES_A_FILE)
    if len(files) < wanted:
        there = len(files) * _LINES_A_FILE
        raise DataMissing(f"{', '.join(map(str, trees))} gives {there} lines and not {count}: name more source trees.")
    return [task for tasks in spread(files, wanted) for task in tasks][:count]


def _texts(trees: Sequence[Path]) -> Iterator[str]:
    for tree in trees:
        if not tree.exists():
            raise DataMissing(f"{tree} is not there: name a folder of Python source.")
        for path in sorted(tree.rglob("*.py")) if tree.is_dir() else [tree]:
            try:
                text = path.read_text(encoding="utf-8") if path.stat().st_size <= _MAX_BYTES else ""
            except (OSError, UnicodeDecodeError):
                continue  # one file less to choose from
            if len(text) >= _MIN_CHARACTERS:
                yield text


def _tasks(text: str) -> list[LineTask]:
    """Lines of a piece from the middle of the file, which begins with a definition where there is one."""
    lines = text.split("\n")
    half = len(lines) // 2
    start = next((at for at in range(half, 0, -1) if lines[at].startswith(("def ", "class ", "@"))), half)
    before, found = "", []
    for number, line in enumerate(lines[start:]):
        if len(before) + len(line) > _SEGMENT_CHARACTERS:
            break
        code = line.strip()
        if number >= _FIRST_LINE and len(code) in _LENGTHS and not code.startswith(("#", '"', "'")):
            indent = line[: len(line) - len(line.lstrip())]
            found.append(LineTask(before + indent, line.lstrip()))
        before += line + "\n"
    step = max(len(found) // _LINES_A_FILE, 1)
    return found[::step][:_LINES_A_FILE]
