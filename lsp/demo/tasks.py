"""What the demo completes: lines of a small program, and functions with docstrings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.sets.humaneval import problems

_CURSOR = "‸"


@dataclass(frozen=True, slots=True)
class DemoTask:
    """title: a word for the table."""

    title: str
    before: str
    after: str = ""


_FILE = '''\
"""Keeps an inventory."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Item:
    name: str
    price: float
    count: int = 0


class Inventory:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.items: dict[str, Item] = {{}}

    def add(self, item: Item) -> None:
        self.items[item.name] = item

    def remove(self, name: str) -> None:
        {remove}

    def total(self) -> float:
        return {total}

    def names(self) -> list[str]:
        return {names}

    def save(self) -> None:
        data = {{name: vars(item) for name, item in self.items.items()}}
        {save}

    def load(self) -> None:
        for name, fields in {load}
            self.items[name] = Item(**fields)


def main() -> None:
    {main}
'''
_LINES = {
    "remove": "del self.items[name]",
    "total": "sum(item.price * item.count for item in self.items.values())",
    "names": "sorted(self.items)",
    "save": "self.path.write_text(json.dumps(data))",
    "load": "json.loads(self.path.read_text()).items():",
    "main": 'inventory = Inventory(Path("inventory.json"))',
}
# How far into its line the cursor stands.
_TYPED = {"remove": "del ", "total": "sum(", "names": "", "save": "self.path.", "load": "json.", "main": "inventory = "}


def line_tasks() -> list[DemoTask]:
    """Six places in a program that is written up to there and after."""
    tasks = []
    for hole, line in _LINES.items():
        typed = _TYPED[hole]
        source = _FILE.format(**{**_LINES, hole: typed + _CURSOR})
        before, _, after = source.partition(_CURSOR)
        assert line.startswith(typed)
        tasks.append(DemoTask(hole, before, after))
    return tasks


_OWN = {
    "add": ("add(a, b)", "Return the sum of a and b.", (("add(1, 2)", "3"), ("add(5, 5)", "10"))),
    "is_positive": (
        "is_positive(n)",
        "Return True if n is greater than zero.",
        (("is_positive(5)", "True"), ("is_positive(-5)", "False")),
    ),
    "cube": ("cube(x)", "Return x to the power of three.", (("cube(2)", "8"), ("cube(3)", "27"))),
    "length": ("length(text)", "Return the number of characters in the text.", (("length('abc')", "3"),)),
    "double": ("double(x)", "Return twice x.", (("double(4)", "8"), ("double(0)", "0"))),
}


def function_tasks(humaneval: int) -> list[DemoTask]:
    """Our own small functions, then the first of HumanEval's where the data folder is there."""
    own = [DemoTask(name, _function(*parts)) for name, parts in _OWN.items()]
    try:
        theirs = [DemoTask(problem.entry_point, problem.prompt) for problem in islice(problems(), humaneval)]
    except DataMissing:
        theirs = []
    return own + theirs


def _function(signature: str, doc: str, examples: tuple[tuple[str, str], ...]) -> str:
    shown = "".join(f"    >>> {call}\n    {value}\n" for call, value in examples)
    return f'def {signature}:\n    """{doc}\n\n{shown}    """\n'


def write(task: DemoTask, folder: Path) -> Path:
    """A real file for it."""
    path = folder / f"{task.title}.py"
    path.write_text(task.before + task.after, encoding="utf-8")
    return path
